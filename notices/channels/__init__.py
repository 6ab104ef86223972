"""How parcels are handed over: as files, by mail, by a gateway on the web. Nothing here knows the store."""
