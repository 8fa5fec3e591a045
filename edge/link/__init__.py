"""The box and its central controller over MQTT: commands in; results, events, telemetry out. Only home of paho."""
