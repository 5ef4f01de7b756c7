# Glyphs of a font, a byte for a column with the lowest bit on top, to a frame of RGB565.
@micropython.viper
def blit(frame: ptr16, glyphs: ptr8, columns: int, stride: int, colours: ptr16):
    ink = colours[0]
    paper = colours[1]
    for x in range(columns):
        bits = glyphs[x]
        at = x
        for y in range(8):
            if bits & 1:
                frame[at] = ink
            else:
                frame[at] = paper
            bits >>= 1
            at += stride
