"""The characters that `framebuf` draws: 96 of 8 by 8 pixels, from the space on.

Source of the fact: the font petme128 as every release has it.  Each character is eight bytes, the
columns from left to right; bit 0 is the pixel at the top.
"""

from __future__ import annotations

import base64
import zlib
from typing import Final

FIRST: Final = 32
"""The character code of the first; what is not in the table is drawn as the last, 127."""
COUNT: Final = 96
WIDTH: Final = 8

COLUMNS: Final[bytes] = zlib.decompress(base64.b85decode(
    b"c-lQu-D(q25dJp1Y&LW;B0*MIY%GgPFG{Eo(z5IiZmJ80ScqUD$kq*d(LhlHiS#6s$MC|7Ui8Xm=tUpJ3m+p=XU-NUoS"
    b"n>^nQy*1Gr)ft4&_^~>(e4?$w9Dpc6RsxC|`K)rxMtw!C?ONEk|0mX|VF6GL^)%jC{b^jeI}ab>KKr<T&hK|1RX((IWo"
    b"}Z6`&?bL|=;%KH?toe?Do@bTMmK0E?;$~>no;CZcwMECLRbHBelfW+q)`+#YFU)D{aOI6&{bJmd{2Z3&9{b!=<`rR^Rf"
    b"-NmfGcCJ5^Qf7}Crw-M(!p>KP^+!2l>+DvkNs)6BX-r8_yvck(J%~spI;n`?KnizKS#1^7b(St_@%JuB$2*|Y}e*MqI<"
    b"r?3%>9bJmK*;esW45#C~*eepK}%eHsRl)QcI1VqiNiig;V%I$no?%DL~)c`o(lV$tN;oqjnPym|>uT=>*%*XtCCG_Gkn"
    b"u5G&xZtjE&n6@RnXQPo?NLrSu9?(-+Hho@cN$jc7X#Ae@SJW_Tz>n*ztBrmy%aS}`xzuyLS+D;tHNW08tKNmHLn*K0Da"
    b"E>q7hI{c*#tr8@tngT*leKhnIB${N26IAmK9SrX#=535*6~gg+&qaJbcCdD<9dkr|bN@zPuDZ*<?0;lgYkCbNv9gz18c"
    b"P&h<XlOvB{!>s|Hx2mG3$)&"
))
