"""What simulated people are called: tables of common names, and how often each of them is met.

Common knowledge, from no record of anybody: which names are common in Britain, and in which generation,
as the published tables of names have them. A surname's frequency follows its rank: the first of all as
published (Smith 1.2 % of everybody), the others by a curve through the published ranks 10 to 500, and a
long tail of surnames made of parts of place names. Some groups share far fewer names, which makes it
harder to tell their people apart; and names that come from another alphabet are spelled in several ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from simulation.calendar import Index
from simulation.draw import Floats, Text

ERAS = (1945, 1965, 1985, 2000)
"""The generations of forenames: born before the first year, before the second …, after the last."""

GIRLS = {
    "british": (
        "Margaret Jean Mary Joan Patricia Sheila Barbara Doreen June Shirley Dorothy Joyce Maureen Elizabeth "
        "Audrey Brenda Kathleen Sylvia Eileen Pamela Betty Beryl Ann Irene Marjorie Hazel Rita Marion Norma "
        "Jacqueline Edna Winifred Gladys Vera Olive Peggy",
        "Susan Linda Christine Margaret Carol Jennifer Janet Patricia Barbara Ann Sandra Pamela Pauline Jean "
        "Jacqueline Kathleen Sheila Valerie Maureen Gillian Marilyn Elizabeth Lesley Catherine Brenda Wendy "
        "Angela Rosemary Shirley Diane Joan Jane Lynne Irene Janice Elaine Heather Julie Karen Helen",
        "Sarah Claire Nicola Emma Lisa Joanne Michelle Helen Samantha Karen Julie Tracey Amanda Rachel "
        "Louise Deborah Kelly Victoria Rebecca Jane Sharon Donna Susan Alison Angela Caroline Laura Gemma "
        "Dawn Wendy Jacqueline Catherine Zoë Leanne Natalie Katherine Hayley Anna Stacey Kerry Melanie Siân",
        "Rebecca Lauren Jessica Charlotte Hannah Sophie Amy Emily Laura Emma Chloe Sarah Lucy Katie Bethany "
        "Jade Megan Danielle Alice Abigail Olivia Holly Natasha Georgia Kirsty Stephanie Eleanor Rachel "
        "Gemma Victoria Jennifer Elizabeth Natalie Amber Paige Zoë Molly Shannon Kayleigh Harriet",
        "Olivia Emily Amelia Isla Ava Jessica Isabella Lily Ella Mia Sophie Grace Evie Poppy Ruby Sophia "
        "Freya Daisy Chloe Alice Phoebe Florence Charlotte Sienna Matilda Evelyn Millie Ellie Eva Holly "
        "Molly Rosie Willow Ivy Maisie Scarlett Erin Imogen Elsie Lucy Hannah Megan Summer Lola Jasmine",
    ),
    "european": (
        "Anna Maria Katarzyna Agnieszka Ewa Ioana Elena Andreea Sofia Daniela Zuzanna Julia Natalia Monika "
        "Magdalena Joanna Alexandra Gabriela Viktoria Laura Lucia Marta Cristina Karolina Simona Milena",
    ),
    "south asian": (
        "Priya Anjali Neha Kavita Sunita Meera Asha Pooja Divya Riya Anika Jasmeet Harpreet Rekha Manpreet "
        "Simran Nisha Shreya Geeta Lakshmi",
    ),
    "pakistani": (
        "Aisha Fatima Zainab Maryam Khadija Saima Nadia Amina Hafsa Iqra Sana Rabia Shazia Nasreen Samina "
        "Shabana Rukhsana Noor",
    ),
    "african": (
        "Grace Blessing Chidinma Ngozi Abena Ama Esther Funmi Amara Zawadi Adaeze Efua Comfort Mercy Faith "
        "Chioma Akosua Patience Ruth Deborah",
    ),
}
BOYS = {
    "british": (
        "John Peter William Brian David James Michael Ronald Kenneth George Robert Derek Roy Raymond Dennis "
        "Gordon Thomas Anthony Alan Frank Donald Eric Stanley Norman Leonard Joseph Arthur Frederick "
        "Geoffrey Edward Douglas Harold Ernest Alfred Charles Reginald",
        "David John Stephen Michael Peter Robert Paul Alan Christopher Richard Anthony Kevin Andrew Graham "
        "Keith Ian Philip Barry Martin Brian Colin Nigel Roger Terence Raymond Malcolm Geoffrey Trevor "
        "Nicholas William James Kenneth Steven Gary Neil Dennis Derek Clive Thomas Stuart",
        "Paul Mark Andrew David Richard Matthew Daniel Christopher Darren Stephen Ian Gary Simon Jason Lee "
        "Craig Wayne Neil Robert Jonathan Adrian Stuart Dean Carl Steven Kevin Philip Anthony Nicholas "
        "Gareth Scott Benjamin Adam Jamie Barry James Michael Martin Timothy Graham Shaun Karl",
        "Daniel Thomas Matthew Joshua James Adam Ryan Luke Jack Jordan Benjamin Michael Christopher Liam "
        "Samuel Nathan Alexander Joseph Kieran Connor Callum Lewis Ashley Aaron Kyle Jake George Harry "
        "Charlie Bradley Shaun Craig Dominic Elliot Reece Robert Andrew William David Sean",
        "Oliver Jack Harry George Noah Jacob Charlie Leo Oscar Alfie Thomas James Archie Freddie Arthur "
        "Henry Joshua William Ethan Max Logan Lucas Isaac Theo Edward Dylan Finley Toby Reggie Harrison "
        "Riley Tyler Louis Callum Cameron Rhys Owen Connor Samuel Daniel Joseph Benjamin Alexander Adam",
    ),
    "european": (
        "Piotr Tomasz Marek Andrei Mihai Stefan Luca Jakub Kacper Filip Adrian Cristian Pavel Krzysztof "
        "Marcin Adam Alexandru Ionut Jan Viktor Marco Nikola Pawel Lukasz Michal Dmitri",
    ),
    "south asian": (
        "Arjun Rahul Vikram Sanjay Amit Rajesh Rohan Dev Karan Gurpreet Manjit Nikhil Suresh Harjit Anil "
        "Ravi Vijay Jaspal Kiran Deepak",
    ),
    "pakistani": (
        "Mohammed Ahmed Ali Hassan Imran Bilal Usman Omar Yusuf Tariq Hamza Adeel Zubair Ibrahim Asif "
        "Shahid Kashif Nadeem",
    ),
    "african": (
        "Emmanuel Samuel Kwame Kofi Chinedu Tunde Emeka Daniel Joseph Ayo Kojo Femi Obinna David Michael "
        "Isaac Kwabena Ikenna Segun Peter",
    ),
}
SURNAMES = {
    "british": (
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White "
        "Roberts Green Hall Wood Jackson Clarke Hughes Edwards Hill Moore Thomas Clark Harrison Scott Young "
        "Morris Turner Ward Cooper Carter Lewis Lee Baker Martin Mitchell Bell Cook Shaw Murphy Miller "
        "Parker Davis Bennett Marshall Collins Price Cox Gray Richardson Webb Fletcher Barnes Pearson Mason "
        "Hunt Palmer Holmes Mills Rogers Stone Knight Lloyd Butler Russell Barker Fisher Stevens Jenkins "
        "Murray Dixon Harvey Graham O'Neill O'Brien Fox Bradley Burton Lawson Dawson Watts Brooks Lane "
        "Chambers Hawkins Poole Whitehead Rowe Adams Allen Anderson Andrews Armstrong Atkinson Austin Bailey "
        "Ball Bates Berry Bird Black Booth Bradshaw Burgess Burns Campbell Carr Chapman Cole Coleman "
        "Cunningham Curtis Day Dean Doyle Ellis Elliott Ferguson Ford Foster Francis Freeman Gardner George "
        "Gibson Gilbert Gordon Grant Griffiths Hamilton Harding Harper Harris Hart Henderson Holland Howard "
        "Howells Hudson Humphreys Hunter Hutchinson James Johnston Jordan Kelly Kennedy King Lambert "
        "Lawrence Lowe Lynch Marsh Matthews May McCarthy McDonald Moss Nelson Newman Nicholls Norris Osborne "
        "Owen Parry Payne Perkins Perry Phillips Porter Powell Pritchard Rees Reid Reynolds Rhodes Rice "
        "Richards Riley Robertson Rose Ryan Sanders Saunders Sharp Simpson Slater Spencer Stephenson Stewart "
        "Sullivan Sutton Thornton Tucker Wallace Walsh Walters Warren Watson Wells West Wheeler Wilkinson "
        "Willis Woods",
        "Ash Brad Brom Bur Chat Clay Cop Cran Dal Den El Fair Farn Gar Gold Grin Hal Hard "
        "Hather Haw Hep Hol Hors Ken Kil Kirk Lang Led Lin Lock Long Lud Mar Mel Mid Nor Oak Ol Pen Pick Rad "
        "Raven Red Rush Sed Shel Sher Stan Stock Swin Thorn Under Wad Wal Wat Whit Wick Wil Win Wor Yar Yel",
        "ley ton field worth bourne brook by combe cott croft dale den don ford gate grave ham hurst land "
        "low man mere mont ridge sall shaw sley stead stock stone thorpe wall ward water well wick wood",
    ),
    "european": (
        "Kowalski Nowak Wisniewski Popescu Ionescu Ivanov Silva Santos Rossi Novák Horvat Petrov Lewandowski "
        "Zielinski Wojcik Dumitru Popa Radu Costa Ferreira Bianchi Kaminski Georgiev Jankauskas Toth Nagy "
        "Stan Marin Pereira Krawczyk",
    ),
    "south asian": (
        "Patel Singh Kaur Shah Sharma Gupta Mehta Desai Joshi Rao Chauhan Mistry Gill Sandhu Dhillon Parmar "
        "Kumar Bhatt Solanki Chowdhury",
    ),
    "pakistani": (
        "Khan Hussain Ahmed Malik Iqbal Mahmood Akhtar Mirza Chaudhry Butt Qureshi Shaikh Raja Ali Shah "
        "Rashid",
    ),
    "african": (
        "Okafor Mensah Adeyemi Okoye Boateng Owusu Ndlovu Eze Balogun Asante Kamara Osei Abiola Appiah "
        "Nwosu Addo Moyo Ogunleye Annan Sesay",
    ),
}
"""Group → names in order of how common they are. Of the British: forenames by generation; surnames, then
the first and last parts of those in the long tail."""

SHORT_FORMS = """
Margaret: Maggie Peggy; Patricia: Pat Trish; Barbara: Barb; Dorothy: Dot; Elizabeth: Liz Beth Betty;
Kathleen: Kath; Pamela: Pam; Winifred: Win; Susan: Sue; Linda: Lin; Christine: Chris; Jennifer: Jenny Jen;
Janet: Jan; Sandra: Sandy; Jacqueline: Jackie; Valerie: Val; Gillian: Gill; Catherine: Cathy Kate; Angela:
Angie; Nicola: Nicky Nikki; Joanne: Jo; Michelle: Shell; Samantha: Sam; Amanda: Mandy; Deborah: Debbie Deb;
Victoria: Vicky Tori; Rebecca: Becky Becca; Caroline: Caz; Katherine: Kate Kathy; Jessica: Jess; Charlotte:
Charlie Lottie; Katie: Kate; Bethany: Beth; Danielle: Dani; Abigail: Abbie; Olivia: Liv; Natasha: Tash;
Stephanie: Steph; Eleanor: Ellie; Isabella: Bella Izzy; Amelia: Millie; Matilda: Tilly; Alexandra: Alex;
Magdalena: Magda; Katarzyna: Kasia; Agnieszka: Aga; Joanna: Asia; Zuzanna: Zuza; Gabriela: Gabi; Jasmeet:
Jas; Harpreet: Harry; John: Johnny Jack; Peter: Pete; William: Bill Will Billy; David: Dave; James: Jim
Jimmy Jamie; Michael: Mike Mick; Ronald: Ron; Kenneth: Ken; Robert: Bob Rob; Raymond: Ray; Thomas: Tom;
Anthony: Tony; Donald: Don; Stanley: Stan; Leonard: Len; Joseph: Joe; Arthur: Art; Frederick: Fred; Edward:
Ted Ed; Charles: Charlie; Stephen: Steve; Christopher: Chris; Richard: Rick Dick; Kevin: Kev; Andrew: Andy;
Philip: Phil; Terence: Terry; Nicholas: Nick; Steven: Steve; Matthew: Matt; Daniel: Dan Danny; Darren: Daz;
Jonathan: Jon; Benjamin: Ben; Timothy: Tim; Joshua: Josh; Samuel: Sam; Nathan: Nate; Alexander: Alex;
Bradley: Brad; Dominic: Dom; Jacob: Jake; Harrison: Harry; Cameron: Cam; Oliver: Ollie; Henry: Harry;
Reginald: Reg; Tomasz: Tomek; Piotr: Piotrek; Jakub: Kuba; Krzysztof: Krzys; Alexandru: Alex; Mohammed: Mo;
Gurpreet: Gurp; Emmanuel: Manny; Emily: Em Emmy; Lily: Lil; Sophie: Soph; Sophia: Soph; Grace: Gracie;
Chloe: Clo; Phoebe: Pheebs; Florence: Flo; Evelyn: Evie; Lauren: Loz; Hannah: Han; Amy: Ames; Emma: Em;
Lucy: Luce; Megan: Meg; Holly: Hols; Georgia: Georgie; Molly: Mol; Imogen: Immy; Jasmine: Jas; Natalie: Nat;
Ella: Ellie; Laura: Lol; Sarah: Sal; Julie: Jules; Shannon: Shan; Harriet: Hattie; Kirsty: Kirst; Oscar:
Ozzie; George: Georgie; Lucas: Luke; Isaac: Zac; Finley: Fin; Toby: Tobes; Tyler: Ty; Louis: Lou; Connor:
Con; Kieran: Kier; Lewis: Lew; Jordan: Jord; Archie: Arch; Harry: Haz; Ryan: Ry; Logan: Lo; Theo: Ted; Jack:
Jackie; Adam: Ads; Freddie: Fred; Alfie: Alf; Callum: Cal; Elliot: Ell; Simon: Si; Gary: Gaz; Gareth: Gaz;
Jason: Jay; Isla: Izzy
"""
TRANSLITERATIONS = """
Mohammed: Muhammad Mohammad Mohamed; Ahmed: Ahmad; Hussain: Hussein Husain; Yusuf: Yousuf Yousaf; Omar: Umar;
Usman: Osman Uthman; Hassan: Hasan; Ibrahim: Ebrahim; Tariq: Tarik; Aisha: Ayesha Aysha; Fatima: Fatema
Fathima; Zainab: Zaynab; Maryam: Mariam; Khadija: Khadijah; Hafsa: Hafsah; Nasreen: Nasrin; Noor: Nur;
Chaudhry: Choudhry Chaudhary; Qureshi: Quraishi; Shaikh: Sheikh; Mahmood: Mehmood; Akhtar: Akhter; Iqbal:
Eqbal; Malik: Malek; Meera: Mira; Pooja: Puja; Geeta: Gita; Kavita: Kavitha; Lakshmi: Laxmi; Vikram: Vickram;
Chauhan: Chohan; Chowdhury: Choudhury; Kowalski: Kowalska; Wisniewski: Wiśniewski Wisniewska; Lewandowski:
Lewandowska; Zielinski: Zieliński; Kaminski: Kamińska; Wojcik: Wójcik; Novák: Novak; Ivanov: Ivanova; Petrov:
Petrova; Toth: Tóth; Stefan: Ștefan; Ionut: Ionuț; Pawel: Paweł; Lukasz: Łukasz; Michal: Michał; Dmitri:
Dmitry Dimitri; Viktor: Victor; Viktoria: Victoria; Natalia: Nataliya; Sofia: Sofiya; Owusu: Awusu; Chidinma:
Chidimma; Zoë: Zoe; Siân: Sian
"""
"""A name with a colon, then how else the same person may be called, or the same name spelled."""

PUBLISHED = (0.0150, 0.0100, 0.0070, 0.0064, 0.0062)
"""Shares of the five most common British surnames, among the British."""


@dataclass(frozen=True)
class Pool:
    """Names, and the running sum of their shares."""

    names: Text
    steps: Floats

    def of(self, point: Floats) -> Text:
        """The name at each point of [0, 1)."""
        return self.names[np.minimum(np.searchsorted(self.steps, point, side="right"), len(self.names) - 1)]


def _pool(names: list[str], shares: Floats) -> Pool:
    return Pool(np.array(names, dtype=object), np.cumsum(shares) / shares.sum())


@cache
def forenames(group: str, male: bool, era: int) -> Pool:
    """The forenames of a group's girls or boys of a generation; a fifth have a name of another one."""
    eras = (BOYS if male else GIRLS)[group]
    own = eras[min(era, len(eras) - 1)].split()
    names = list(dict.fromkeys([*own, *" ".join(eras).split()]))
    shares = (np.arange(len(names)) + 8.0) ** -0.8
    shares[: len(own)] *= 0.8 / shares[: len(own)].sum()
    shares[len(own) :] *= 0.2 / max(shares[len(own) :].sum(), 1e-9)
    return _pool(names, shares)


@cache
def surnames(group: str) -> Pool:
    """The surnames of a group."""
    common, *parts = SURNAMES[group]
    names = common.split()
    if not parts:
        return _pool(names, (np.arange(len(names)) + len(names) / 4) ** -0.9)
    firsts, lasts = (part.split() for part in parts)
    every = [first + last for last in lasts for first in firsts]
    names = list(dict.fromkeys(names + [every[i * 1009 % len(every)] for i in range(len(every))]))
    shares = 0.057 * (np.arange(len(names)) + 26.0) ** -0.8
    shares[: len(PUBLISHED)] = PUBLISHED
    shares[len(PUBLISHED) :] *= (1 - sum(PUBLISHED)) / shares[len(PUBLISHED) :].sum()
    return _pool(names, shares)


@cache
def others(table: str) -> dict[str, list[str]]:
    """A table as above: name → the others."""
    entries = (entry.split(":") for entry in " ".join(table.split()).split(";"))
    return {name.strip(): rest.split() for name, rest in entries}


def era_of(year: Index) -> Index:
    """The generation of each year of birth."""
    return np.searchsorted(ERAS, year, side="right").astype(np.int64)
