"""The web service: a page and a REST API around one `Predictor`, without torch.

`smearlab.deploy.server.running.serve` starts it; `smearlab.deploy.server.app.create_app` gives the ASGI application to
those who run their own server. What a request brings stays in memory: nothing of it reaches the file system or a log.
"""
