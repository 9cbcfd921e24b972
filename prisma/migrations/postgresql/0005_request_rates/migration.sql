-- How many requests somebody made in the minute that runs, in the form that rate-limiter-flexible expects (times are
-- milliseconds since 1970). Not logged: what a crash loses of it is a minute's count.
CREATE UNLOGGED TABLE rate (key varchar(255) PRIMARY KEY, points integer NOT NULL DEFAULT 0, expire bigint);
CREATE INDEX rate_expiry ON rate (expire);
