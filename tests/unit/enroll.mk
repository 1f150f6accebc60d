# unit tests of enroll
