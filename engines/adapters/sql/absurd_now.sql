-- absurd's own way to say what time it is, which its tests use.
SELECT set_config('absurd.fake_now', %s, false)
