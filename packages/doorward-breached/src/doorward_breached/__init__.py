"""The filter of breached passwords for doorward. Data only: ``breached.bin`` lies beside this file."""
