"""What goes over the programming interface, one file a subject: plain values, the same for the
station, which publishes them as its OpenAPI document, and for `ortoo_node.client`, its reader.
"""
