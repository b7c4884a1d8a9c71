"""Common first names and surnames from which simulated people are named.

Names are drawn by group so that linkage can later be audited by group. No list here comes from
records of real people.
"""

from __future__ import annotations

GIRLS = {
    "british": (
        "Olivia Amelia Isla Ava Emily Sophie Grace Lily Ella Chloe Jessica Charlotte Lucy Hannah Megan "
        "Lauren Emma Sarah Laura Rebecca Claire Nicola Karen Julie Susan Margaret Jean Patricia Linda "
        "Christine Helen Joanne Tracey Donna Michelle Kelly Gemma Stacey Leanne Kirsty Zoë Siân Abigail "
        "Daisy Poppy Freya Evie Molly Holly Amber Paige Jade Natasha Alice Rosie Ruby Florence Maisie"
    ),
    "european": "Anna Maria Katarzyna Agnieszka Ewa Ioana Elena Andreea Sofia Daniela Zuzanna Julia Natalia",
    "south asian": "Priya Anjali Neha Kavita Sunita Meera Asha Pooja Divya Riya Anika Jasmeet Harpreet",
    "pakistani": "Aisha Fatima Zainab Maryam Khadija Saima Nadia Amina Hafsa Iqra Sana Rabia Shazia",
    "african": "Grace Blessing Chidinma Ngozi Abena Ama Esther Funmi Amara Zawadi Adaeze Efua Comfort",
}
BOYS = {
    "british": (
        "Oliver George Harry Jack Noah Leo Arthur Charlie Oscar Jacob Thomas William James Henry Alfie "
        "Joshua Daniel Samuel Joseph Ethan Liam Callum Ryan Connor Jordan Luke Matthew Adam Lee Craig Dean "
        "Darren Wayne Gary Paul Mark Andrew Stephen David John Peter Michael Robert Alan Brian Kevin Ian "
        "Kyle Reece Owen Dylan Lewis Finlay Rhys Aaron Nathan Ben Toby Reggie Archie Freddie"
    ),
    "european": "Piotr Tomasz Marek Andrei Mihai Stefan Luca Jakub Kacper Filip Adrian Cristian Pavel",
    "south asian": "Arjun Rahul Vikram Sanjay Amit Rajesh Rohan Dev Karan Gurpreet Manjit Nikhil Suresh",
    "pakistani": "Mohammed Ahmed Ali Hassan Imran Bilal Usman Omar Yusuf Tariq Hamza Adeel Zubair",
    "african": "Emmanuel Samuel Kwame Kofi Chinedu Tunde Emeka Daniel Joseph Ayo Kojo Femi Obinna",
}
SURNAMES = {
    "british": (
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White "
        "Roberts Green Hall Wood Jackson Clarke Hughes Edwards Hill Moore Clark Harrison Scott Young Morris "
        "Turner Ward Cooper Carter Lee Baker Martin Mitchell Bell Cook Shaw Murphy Miller Parker Bennett "
        "Marshall Collins Price Cox Gray Webb Fletcher Barnes Pearson Mason Hunt Palmer Holmes Mills Rogers "
        "Stone Knight Lloyd Butler Russell Barker Fisher Stevens Jenkins Murray Dixon Harvey Graham O'Neill "
        "O'Brien Fox Bradley Burton Lawson Dawson Watts Brooks Lane Chambers Hawkins Poole Whitehead Rowe"
    ),
    "european": "Kowalski Nowak Wisniewski Popescu Ionescu Ivanov Silva Santos Rossi Novák Horvat Petrov",
    "south asian": "Patel Shah Singh Kaur Sharma Gupta Mehta Desai Joshi Rao Chauhan Mistry Gill Sandhu",
    "pakistani": "Khan Hussain Ahmed Malik Iqbal Mahmood Akhtar Mirza Chaudhry Butt Qureshi Shaikh Raja",
    "african": "Okafor Mensah Adeyemi Okoye Boateng Owusu Ndlovu Eze Balogun Asante Kamara Osei Abiola",
}
