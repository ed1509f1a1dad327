"""placeholder"""
def audit_markdown(report, language):  # type: ignore[no-untyped-def]
    return ""
