def classify(reading):
    match reading:
        case 0:
            return "off"
        case _:
            return "on"
