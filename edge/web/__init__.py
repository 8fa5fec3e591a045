"""The box's local HTTP API and the touchscreen page (docs/contracts/http.md). The only home of FastAPI and uvicorn."""
