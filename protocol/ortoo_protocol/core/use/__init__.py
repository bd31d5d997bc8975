"""What is said between the sides of a grant while it is used (共享数据的使用): bodies and machines.

Measures art. 18, 20, 36; Decree 809 art. 25, 27, 29.
"""
