"""Word lists of the built-in data, from which questions and answers are made."""

from __future__ import annotations

__all__ = ["ADJECTIVES", "CATEGORIES", "NOUNS", "OPPOSITES", "PAST_TENSES", "SPELLING_WORDS"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((first, second) for first, _, second in (pair.partition("-") for pair in text.split()))


CATEGORIES: dict[str, tuple[str, ...]] = {
    "red": _words(  # animals
        "dog cat horse cow sheep goat pig lion tiger bear wolf fox rabbit mouse deer elephant monkey zebra camel "
        "squirrel frog snake eagle owl duck chicken goose whale shark dolphin spider ant bee crab turtle penguin "
        "kangaroo giraffe parrot pigeon"
    ),
    "blue": _words(  # food
        "bread cheese butter rice soup cake pie apple banana orange grape lemon tomato potato carrot onion bean egg "
        "bacon ham sausage steak salad pizza pasta noodle cookie chocolate honey jam sugar yogurt peach pear cherry "
        "strawberry cabbage garlic mushroom pancake"
    ),
    "green": _words(  # tools and household things
        "hammer saw drill screwdriver wrench axe shovel rake ladder nail screw rope brush broom bucket scissors knife "
        "needle lamp clock chair table bed sofa desk shelf mirror pillow blanket towel cup plate bottle basket key "
        "lock umbrella candle pencil pen"
    ),
}
"""The box for each kind of thing: an arbitrary colour, which can only be learnt by training."""

OPPOSITES: tuple[tuple[str, str], ...] = _pairs(
    "hot-cold big-small fast-slow up-down left-right open-closed light-dark old-new rich-poor strong-weak "
    "happy-sad early-late high-low hard-soft wet-dry full-empty thick-thin wide-narrow long-short near-far "
    "clean-dirty loud-quiet sweet-sour young-old heavy-light deep-shallow good-bad true-false first-last "
    "inside-outside above-below before-after always-never buy-sell win-lose push-pull give-take love-hate "
    "begin-end laugh-cry north-south east-west day-night summer-winter black-white man-woman boy-girl king-queen "
    "brother-sister mother-father husband-wife uncle-aunt alive-dead awake-asleep cheap-expensive safe-dangerous "
    "easy-difficult smooth-rough brave-cowardly polite-rude sharp-blunt tight-loose arrive-leave remember-forget "
    "accept-reject increase-decrease attack-defend float-sink import-export success-failure friend-enemy "
    "question-answer appear-disappear ancient-modern bitter-sweet borrow-lend build-destroy "
    "calm-excited common-rare curved-straight fresh-stale generous-selfish guilty-innocent horizontal-vertical "
    "join-separate lazy-busy major-minor maximum-minimum odd-even on-off over-under public-private right-wrong "
    "simple-complex tall-short victory-defeat visible-invisible"
)
"""Pairs of opposites; only the first one of a pair is asked about."""

PAST_TENSES: dict[str, str] = dict(
    _pairs(
        "go-went see-saw eat-ate run-ran take-took give-gave come-came know-knew think-thought buy-bought "
        "bring-brought catch-caught teach-taught fight-fought find-found feel-felt keep-kept sleep-slept leave-left "
        "meet-met send-sent spend-spent build-built lose-lost sell-sold tell-told stand-stood understand-understood "
        "win-won sit-sat sing-sang drink-drank swim-swam begin-began ring-rang write-wrote ride-rode drive-drove "
        "speak-spoke break-broke choose-chose steal-stole wake-woke fly-flew grow-grew throw-threw draw-drew "
        "blow-blew fall-fell hold-held hear-heard say-said pay-paid make-made wear-wore forget-forgot hide-hid "
        "bite-bit shake-shook rise-rose freeze-froze tear-tore walk-walked talk-talked jump-jumped play-played "
        "work-worked help-helped look-looked ask-asked call-called want-wanted need-needed start-started "
        "live-lived love-loved like-liked move-moved use-used close-closed smile-smiled dance-danced hope-hoped "
        "study-studied carry-carried try-tried cry-cried worry-worried marry-married stop-stopped plan-planned "
        "drop-dropped clap-clapped hug-hugged rub-rubbed"
    )
)
"""Verbs and their past tense."""

ADJECTIVES: dict[str, tuple[str, ...]] = {
    "sun": _words("wonderful delicious lovely excellent brilliant perfect charming delightful superb great"),
    "rain": _words("awful terrible boring disgusting horrible dreadful ugly disappointing broken poor"),
}
"""Words of praise and of blame, by the sign used for them."""

NOUNS: tuple[str, ...] = _words(
    "soup film hotel song book room story play meal garden view lesson concert service party museum train coffee game "
    "beach"
)

SPELLING_WORDS: tuple[str, ...] = _words(
    "planet river window flower market doctor school letter island mountain engine camera bottle finger kitchen guitar "
    "hunter jacket ladder magnet number office palace quarter rocket silver ticket uncle valley winter yellow zipper "
    "button castle dragon effort forest glove harbor insect jungle kettle lemon mirror nature orange pepper ribbon "
    "saddle temple umbrella violin wallet anchor bridge circle danger eleven farmer global honest income junior "
    "kingdom leather meadow needle option pencil queen rabbit season tunnel urgent vessel wisdom year zebra animal "
    "basket candle desert escape family ground height invite journey knight lawyer moment notice outside pocket "
    "record shadow thunder useful village water"
)
