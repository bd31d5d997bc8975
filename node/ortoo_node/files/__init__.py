"""Contents of file feeds (批量下载): served where they lie, fetched in chunks, put in place whole.

`contents`: what a file is known by. `serving`: the provider. `incoming`: a file on its way, on
disk. `receiving`: the short way of its chunks. `transfers`: what is to be fetched, in the store.
`fetching`: the reader's loop. `desk`: all of it for a station.

Tables ordered as files: `orders` in the store, `making` at the provider, `forms` and `workbook`
what they are written in; made, they are served and fetched as above.
"""
