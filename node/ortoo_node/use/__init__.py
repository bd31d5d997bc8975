"""Use of what was granted (共享数据的使用): for its purpose, by nobody else, and on record."""
