from enum import StrEnum


class BackgroundSound(StrEnum):
    AIRPORT = "airport"
    BUS = "bus"
    CAFE = "cafe"
    CONSTRUCTION_WORK = "construction-work"
    CROWD = "crowd"
    DOORBELL = "doorbell"
    FERRY_AND_ANNOUNCEMENT = "ferry-and-announcement"
    HEAVY_RAIN = "heavy-rain"
    LOUNGE = "lounge"
    MODERATE_WIND = "moderate-wind"
    NEWBORN_BABY_CRYING = "newborn-baby-crying"
    OFF = "off"
    OFFICE = "office"
    OFFICE_WITH_ALARM = "office-with-alarm"
    PLAYGROUND = "playground"
    PORTABLE_AIR_CONDITIONER = "portable-air-conditioner"
    SKATEPARK = "skatepark"
    SMALL_DOG_BARK = "small-dog-bark"
    STREET_WITH_SIRENS = "street-with-sirens"
    TRAIN_ARRIVAL = "train-arrival"

    def __str__(self) -> str:
        return str(self.value)
