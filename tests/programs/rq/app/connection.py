import fakeredis

redis = fakeredis.FakeStrictRedis()
