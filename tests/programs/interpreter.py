def tokenize(text):
    return text.replace("(", " ( ").replace(")", " ) ").split()


def read(tokens):
    t = tokens.pop(0)
    if t == "(":
        out = []
        while tokens[0] != ")":
            out.append(read(tokens))
        tokens.pop(0)
        return out
    try:
        return int(t)
    except ValueError:
        return t


def evaluate(x, env):
    while True:
        if isinstance(x, str):
            return env[x]
        if not isinstance(x, list):
            return x
        if x[0] == "if":
            x = x[2] if evaluate(x[1], env) else x[3]
            continue
        if x[0] == "define":
            env[x[1]] = evaluate(x[2], env)
            return None
        if x[0] == "lambda":
            names, body = x[1], x[2]

            def call(*args, names=names, body=body):
                inner = dict(env)
                for n, a in zip(names, args):
                    inner[n] = a
                inner.update({k: v for k, v in env.items() if k not in inner})
                return evaluate(body, inner)

            return call
        f, *args = [evaluate(e, env) for e in x]
        return f(*args)


env = {"+": lambda a, b: a + b, "*": lambda a, b: a * b, "<": lambda a, b: a < b, "-": lambda a, b: a - b}
evaluate(read(tokenize("(define fact (lambda (n) (if (< n 2) 1 (* n (fact (- n 1))))))")), env)
print(evaluate(read(tokenize("(fact 25)")), env))
