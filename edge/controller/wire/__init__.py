"""Every message of contract eb/1 as a model: what the AsyncAPI document is made from and traffic is judged by."""
