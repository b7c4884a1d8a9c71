"""Short and familiar forms of first names in Britain, so that Bill and William can be one person.

Common knowledge, from no record of anybody. A short form may belong to several names (Sam to Samuel
and to Samantha); then it is like each of them, while they stay unlike each other.
"""

from __future__ import annotations

SHORT_FORMS = """
abigail: abbie abby abi abraham: abe adrian: ade agnes: aggie nessie agnieszka: aga alan: al alastair: al
ali aly albert: al bert bertie alexander: al alec alex ali lex sandy sasha xander alexandra: alex ali lexi
sandra sandy sasha alfred: alf alfie fred freddie alison: ali allie amanda: mandy amelia: amy millie milly
andrea: andie andrew: andy drew angela: ange angie anita: nita ann: annie nan nancy anna: annie anne: annie
nan anthony: ant tony antonia: toni archibald: archie arthur: art artie augustus: gus barbara: babs barb
barnaby: barney bartholomew: bart beatrice: bea bee trixie benjamin: ben benji benny bernard: bernie
bethany: beth beverley: bev bradley: brad brenda: bren bridget: bridie cameron: cam carol: caz caroline:
caro carol carrie caz cassandra: cass cassie catherine: cat cate cath cathy kate katie kay kit kitty
cecilia: cissy cedric: ced charlene: char charlie charles: charlie chas chaz chuck charlotte: char charlie
lotte lottie chloe: clo christian: chris christina: chris chrissie tina christine: chris chrissie tina
christopher: chris kit topher clifford: cliff clive: cliff constance: connie cornelius: con neil cynthia:
cindy daniel: dan danny danielle: dani danny darren: daz david: dai dave davey davy deborah: deb debbie
debby debs dennis: den denny derek: del diana: di diane: di dominic: dom donald: don donnie donna: don
dorothy: dolly dot dottie dotty douglas: doug dougie duncan: dunc edmund: ed eddie ned ted edward: ed eddie
ned ted teddy edwin: ed eddie eleanor: ella ellie nell nellie nora elizabeth: bess beth betsy betty eliza
elsie lib libby lisa liz liza lizzie lizzy emily: em emmie millie emma: em emmy ernest: ern ernie esther:
essie eugene: gene evelyn: eve evie ezekiel: zeke felicity: flick fliss flora: flo florence: flo florrie
frances: fanny fran frankie francesca: chess fran frankie francis: fran frank frankie franklin: frank
frederick: fred freddie freddy gabriel: gabe gabrielle: gabby gaby gareth: gary gaz garry: gaz gary: gaz
gazza gavin: gav gemma: gem geoffrey: geoff george: georgie georgia: georgie georgina: georgie gina gerald:
gerry jerry gerard: ged gerry gertrude: gertie trudy gillian: gill jill jilly gregory: greg gwendolyn: gwen
harold: hal harry harriet: harrie hattie harrison: harry helen: nell nellie henrietta: etta hettie henry:
hal hank harry herbert: bert herb herbie howard: howie hugh: hughie ian: iain imogen: immy irene: rene
isaac: ike zac zak isabel: bel bella isa izzy isabella: bella ella izzy isobel: bel izzy jacob: jake jay
jacqueline: jackie jacqui james: jamie jay jem jim jimmie jimmy jamie: jay jane: janey janet: jan janice:
jan jason: jay jean: jeannie jeffrey: jeff jemima: jem mima jennifer: jen jenny jeremy: jerry jez jerome:
jerry jessica: jess jessie joan: joanie joanna: jo joey joanne: jo jodie: jo john: jack jackie jock johnnie
johnny jon jonathan: john johnny jon jonny nathan joseph: joe joey josephine: jo josie joshua: josh judith:
jude judy julia: jules julie julian: jules julie: jules juliet: jules karen: kaz katherine: kat kate kath
kathy katie kay kit kitty kathleen: kate kath kathy kay kathryn: kate kath kathy katie kayleigh: kay kelly:
kel kenneth: ken kenny kerry: kez kevin: kev kieran: kier kimberley: kim kirsten: kirsty kristina: kris tina
kristopher: kris laura: laurie lauren: laurie loz laurence: larry laurie lawrence: larry laurie lawrie
leanne: lee leonard: len lenny leo leonora: nora lesley: les leslie: les letitia: letty lewis: lew lou liam:
lee lillian: lil lily linda: lin lindy lyn lindsay: linds lorraine: lorry louis: lou louie louisa: lou
louise: lou lulu lucille: lucy lucinda: cindy lucy lydia: lyddie lynn: lyn madeleine: maddie maddy malcolm:
mal malc margaret: greta madge maggie mags marge margie margo meg megan peg peggy maria: ria marian: marie
marianne: marie marilyn: lyn mal marjorie: marge margie martha: mattie martin: mart marty mary: mamie may
molly polly matilda: mattie tilda tilly matthew: mat matt matty maureen: mo maurice: mo morrie maximilian:
max maxine: max maxwell: max megan: meg melanie: mel melissa: lissa mel missy melvin: mel mervyn: merv
michael: mick mickey micky mike mikey michelle: chelle shell mildred: millie miriam: mim mitchell: mitch
mohammed: mo moe morgan: mog morris: mo myfanwy: myf natalie: nat natasha: nat tash tasha nathan: nat nate
nathaniel: nat nate nathan neville: nev nicholas: nick nicky nico nicola: nic nicky nikki nigel: nige
norman: norm oliver: ol ollie olly olivia: liv livvy ollie oscar: ossie oswald: ozzie pamela: pam patience:
pat patricia: pat patsy patti patty tricia trish patrick: paddy pat paul: pauly pauline: polly penelope: pen
penny percival: percy peter: pete philip: phil pip philippa: phil pip pippa phillip: phil pip phyllis: phyl
priscilla: cilla prudence: pru rachel: rach raymond: ray rebecca: becca becci becky becs bex reginald: reg
reggie richard: dick dickie rich richie rick ricky robert: bert bob bobbie bobby rab rob robbie robin
roberta: bobbie roderick: rod roddy rodney: rod ronald: ron ronnie rosalind: ros roz rosamund: ros roz rose:
rosie rosemary: ro rose rosie russell: russ ruth: ruthie samantha: sam sammie sammy samuel: sam sammy
sandra: sandy sarah: sadie sal sally sean: shaun shawn sebastian: seb sharon: shaz shazza sidney: sid simon:
si sophia: soph sophie sophie: soph stanley: stan stephanie: steph stevie stephen: ste steve stevie steven:
ste steve stevie stewart: stew stu stuart: stu susan: sue susie suzie suzy susannah: sue susie suzanne: sue
suzie suzy sylvia: syl tabitha: tabby tamsin: tam terence: tel terry teresa: terri tess tessa theodora: dora
thea theodore: ted teddy theo theresa: terri tess tessa thomas: tom tommo tommy timothy: tim timmy tobias:
toby ursula: ursie valerie: val vanessa: ness nessa veronica: ronnie vron victor: vic victoria: tori vic
vicki vicky vincent: vin vince vinnie violet: vi virginia: ginnie ginny vivian: viv vivienne: viv wallace:
wally walter: wal wally walt wilfred: fred wilf william: bill billie billy liam wil will willie willy
winifred: freda win winnie zachary: zac zach zack zak zoe: zo
adam: ads ady amy: ames callum: cal connor: con ella: ellie emmanuel: manny finley: fin grace: gracie hannah:
han harry: haz hazza holly: hols isla: izzy jack: jackie kate: katie laura: lol lucas: luke lucy: luce
oscar: ozzie ozzy phoebe: pheebs ryan: ry shannon: shan theo: ted tyler: ty
agata: aga aleksander: olek aleksandra: ola alicja: ala alina: ala andrzej: andrew jedrek andrei: andy ania:
anna barbara: basia bartlomiej: bartek bartosz: bartek dariusz: darek dorota: dorotka elzbieta: ela ewelina:
ewa ewa: ewka gabriela: gabi grzegorz: grzesiek irena: irka jakub: kuba jan: janek jaroslaw: jarek jerzy:
jurek joanna: asia joasia jozef: jozek justyna: justa katarzyna: kasia krzysztof: krzys krzysiek lukasz: luk
magdalena: magda malgorzata: gosia maciej: maciek marek: mark michal: misiek mikolaj: miki monika: mona
natalia: nati nikola: niki pawel: paul piotr: peter piotrek przemyslaw: przemek rafal: rafi slawomir: slawek
stanislaw: staszek stanislawa: stasia szymon: simon tadeusz: tadek teresa: tereska tomasz: tomek wojciech:
wojtek zbigniew: zbyszek zofia: zosia zuzanna: zuza zuzia
alexandru: alex sandu constantin: costel dinu cristian: cris dumitru: mitica elena: lena florin: florica
gheorghe: george gigi ioana: oana ionut: nelu mihai: misu mihaela: miha stefan: stef vasile: vasi
abdul: ab abdulrahman: abdul abdullah: abdul abdulla gurpreet: gurp gurps harpreet: harp harry jaspreet: jas
jaswinder: jas jasmeet: jas jasmine: jas jaz manpreet: manny mani navdeep: nav rajinder: raj rajesh: raj
sukhdeep: sukhi sukhwinder: sukhi suki fatima: fati ibrahim: ibs ibby mohammad: mo mohamed: mo muhammad: mo
mustafa: mus yusuf: yus zainab: zee chukwuemeka: emeka oluwaseun: seun oluwatobi: tobi temitope: tope
"""
"""A full name with a colon, then its short forms."""


def full_names() -> dict[str, list[str]]:
    """The full names that each short form may stand for, all in small letters.

    >>> full_names()["sam"]
    ['samantha', 'samuel']
    """
    found: dict[str, list[str]] = {}
    full = ""
    for word in SHORT_FORMS.split():
        if word.endswith(":"):
            full = word.removesuffix(":")
        else:
            found.setdefault(word, []).append(full)
    return found
