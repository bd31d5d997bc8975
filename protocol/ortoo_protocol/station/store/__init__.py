"""The station's own database: tables, migrations, one writer, many readers."""
