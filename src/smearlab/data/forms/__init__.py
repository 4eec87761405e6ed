"""The forms in which pictures come, one file each. None of them decodes; `read` and `stream` do."""
