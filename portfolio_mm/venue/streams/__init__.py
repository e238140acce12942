"""What is told: websocket sessions, subscriptions, frames."""
