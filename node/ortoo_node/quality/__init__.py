"""Data quality (数据质量核查): rules for items, what they keep back, reports, rectification."""
