-- How long whoever asks after a worker waits for its session to end, which after a death takes the server a moment.
SELECT set_config('lock_timeout', '1s', false)
