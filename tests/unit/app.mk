# unit tests of app
