"""Names of parameters that more than one module needs (TR-181 issue 2, TR-135)."""

ROOT = "Device."
INFO = "Device.DeviceInfo."
SERVER = "Device.ManagementServer."
SERVICE = "Device.Services.STBService.1."
STREAM = SERVICE + "ServiceMonitoring.MainStream.1."
MESSAGES = "Device.UserInterface.Messages."

SOFTWARE = INFO + "SoftwareVersion"
ENABLE = SERVICE + "Enable"
PACKAGES = SERVICE + "X_BOXOFFICE_Packages"
PARAMETER_KEY = SERVER + "ParameterKey"
REQUEST_URL = SERVER + "ConnectionRequestURL"
PERIOD_ON = SERVER + "PeriodicInformEnable"
PERIOD_S = SERVER + "PeriodicInformInterval"
PERIOD_AT = SERVER + "PeriodicInformTime"
MESSAGE_ON = MESSAGES + "Enable"
MESSAGE_TEXT = MESSAGES + "Text"
MESSAGE_TIMES = MESSAGES + "RequestedNumberOfRepetitions"

UNKNOWN_TIME = "0001-01-01T00:00:00Z"  # TR-106: a time that is not known
