import { createUnknownTokenLimiter } from '../../relay/src/http/unknown-token-limiter.ts';
import { createTestClock } from '../support/test-clock.ts';

test('an address that used up its share is told when to come back, and others are not affected', async () => {
	const clock = createTestClock();
	const limiter = createUnknownTokenLimiter({ clock, perMinute: 2 });
	expect([limiter.count('192.0.2.1'), limiter.count('192.0.2.1')]).toEqual([null, null]);

	await clock.advance(20_000);
	expect(limiter.count('192.0.2.1')).toBe(40);
	expect(limiter.count('192.0.2.2')).toBeNull();

	await clock.advance(40_000);
	expect(limiter.count('192.0.2.1')).toBeNull();
});

test.each([
	['IPv6: the same /64, written out and shortened', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::9', true],
	['IPv6: another /64', '2001:db8:1:2::1', '2001:db8:1:3::1', false],
	['IPv6: a shortened start', '::1', '::2', true],
	['IPv4 in IPv6', '::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
	// As Azure's Application Gateway writes them into X-Forwarded-For: all of its senders were one, being no address.
	['a port behind it: the same address, another port', '192.0.2.1:4711', '192.0.2.1:4712', true],
	['a port behind it: the same address, without a port', '192.0.2.1:4711', '192.0.2.1', true],
	['a port behind it: another address', '192.0.2.1:4711', '192.0.2.2:4711', false],
	['a port behind it: the same /64', '[2001:db8:1:2::1]:4711', '2001:db8:1:2::2', true],
	['a port behind it: another /64', '[2001:db8:1:2::1]:4711', '[2001:db8:1:3::1]:4711', false],
])('senders are counted by address, of IPv6 by network: %s', (_, first, second, together) => {
	const limiter = createUnknownTokenLimiter({ clock: createTestClock(), perMinute: 1 });
	limiter.count(first);
	expect(limiter.count(second) !== null).toBe(together);
});

test('memory stays bounded however many addresses try', () => {
	const limiter = createUnknownTokenLimiter({ clock: createTestClock(), perMinute: 60 });
	for (let i = 0; i < 10_000; i++) limiter.count(`10.0.${i >> 8}.${i & 255}`);
	expect(limiter.count('192.0.2.1')).toBe(60);
	expect(limiter.count('10.0.0.1')).toBeNull();
});

test('a sender who has gone before it was answered, and so has no address, is one like any other', () => {
	const limiter = createUnknownTokenLimiter({ clock: createTestClock(), perMinute: 1 });
	expect(limiter.count(undefined)).toBeNull();
	expect(limiter.count(undefined)).toBe(60);
});
