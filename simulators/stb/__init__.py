"""Set-top boxes: one model of the reference box, and the faces it can be managed through."""
