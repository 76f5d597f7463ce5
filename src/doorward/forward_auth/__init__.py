"""Forward authentication: a proxy asks who sends each request, for applications that know nothing of tokens."""
