class Machine:
    STATES = ("idle", "run", "stop")

    def __init__(self):
        self.state = 0
        self.log = []

    def feed(self, event):
        handler = getattr(self, "on_" + self.STATES[self.state], None)
        self.state = (handler(event) if handler else None) or 0
        self.log.append(self.STATES[self.state])
        return self

    def on_idle(self, e):
        return e == "go"

    def on_run(self, e):
        return 2 if e == "halt" else 1


m = Machine()
print(m.feed("x").feed("go").feed("y").feed("halt").feed("z").log)
