# Every target only calls dev.py; `python3 dev.py` explains them.
PYTHON ?= python3

.PHONY: setup demo test run check bench lock chaos

setup demo test run check bench lock chaos:
	@$(PYTHON) dev.py $@ $(ARGS)
