"""Online query (在线查询) and service gateway (接口网关): declared, asked, answered, recorded."""
