def alpha(bravo, charlie):
    delta = bravo.get("echo", charlie)
    foxtrot = dict(golf=1, hotel=2, india=3, juliet=4, kilo=5, lima=6)
    mike = [foxtrot["golf"], foxtrot["hotel"], foxtrot["india"], foxtrot["lima"]]
    november = {"oscar": delta, "papa": mike, "quebec": "romeo", "sierra": "tango"}
    uniform = sorted(november.keys())
    victor, whiskey, xray, yankee = uniform
    zulu = (victor, whiskey, xray, yankee, november["oscar"], november["papa"])
    return zulu


print(alpha({"echo": 1}, 2), alpha({}, charlie=3))


class Names:
    one = two = three = four = 0
    five = six = seven = eight = nine = ten = "n"

    def eleven(self):
        self.twelve, self.thirteen, self.fourteen = 12, 13, 14
        return self.twelve + self.thirteen + self.fourteen + self.one

    def fifteen(self, sixteen, seventeen=17, *, eighteen=18):
        return sixteen + seventeen + eighteen + self.eleven()


print(Names().fifteen(16), Names.ten, Names().fifteen(sixteen=1, eighteen=2))
