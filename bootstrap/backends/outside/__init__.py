"""Drawers other than the base: edit models, workflows, services, folders. The base trains; these only draw."""
