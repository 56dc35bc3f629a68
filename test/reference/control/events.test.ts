import { connect } from 'node:net';
import { until } from '../harness.ts';
import { follow, startSteered } from './harness.ts';
import type { Steered } from './harness.ts';

let steered: Steered;
let key: string;
beforeEach(async () => {
	steered = await startSteered();
	({ key } = await steered.account());
});
afterEach(() => steered.close());

const ask = () => steered.as(key)('GET', '/api/v2/whoami');

it('tells of requests as they come', async () => {
	const feed = await follow(steered.baseUrl);
	expect(feed.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
	expect((await feed.next('hello')).data).toEqual({ last_id: 0 });
	await ask();
	const { id, data } = await feed.next('request');
	expect(id).toBe(1);
	expect(data).toMatchObject({
		id: 1,
		method: 'GET',
		operation: 'whoami',
		status: 200,
		key_last4: key.slice(-4),
	});
	expect(data).not.toHaveProperty('request_body');
	feed.close();
});

it('gives a reader that comes back what it missed, and no more', async () => {
	for (let i = 0; i < 3; i++) await ask();
	const feed = await follow(steered.baseUrl, { 'last-event-id': '1' });
	expect((await feed.next('request')).data.id).toBe(2);
	expect((await feed.next('request')).data.id).toBe(3);
	await ask();
	expect((await feed.next('request')).data.id).toBe(4);
	feed.close();
});

it('does not let a reader that comes back take for read what it has not got yet, should it be cut off again', async () => {
	for (let i = 0; i < 3; i++) await ask();
	const back = await follow(steered.baseUrl, { 'last-event-id': '1' });
	expect((await back.next('hello')).id).toBeNull();
	expect((await back.next('request')).id).toBe(2);
	back.close();
	const fresh = await follow(steered.baseUrl);
	expect((await fresh.next('hello')).id).toBe(3);
	fresh.close();
});

it('says how many events are gone for good', async () => {
	for (let i = 0; i < 503; i++) await ask();
	const feed = await follow(steered.baseUrl, { 'last-event-id': '1' });
	expect((await feed.next('gap')).data).toEqual({ missed: 2 });
	expect((await feed.next('request')).data.id).toBe(4);
	feed.close();
});

it('gives a reader from before a restart all that is kept', async () => {
	await ask();
	const feed = await follow(steered.baseUrl, { 'last-event-id': '9000' });
	expect((await feed.next('request')).data.id).toBe(1);
	feed.close();
});

it('answers HEAD at once, and does not count it as a reader', async () => {
	expect((await steered.send('HEAD', '/reference/events')).status).toBe(404);
	expect((await steered.send('GET', '/reference/state')).body.readers).toBe(0);
});

it('keeps a quiet stream alive', async () => {
	const socket = connect(Number(new URL(steered.baseUrl).port), '127.0.0.1');
	let text = '';
	socket.on('data', (chunk) => (text += chunk.toString()));
	socket.write(`GET /reference/events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
	await until(() => text.includes('hello'));
	await steered.base.advance(15_000);
	await until(() => text.includes(': still here'));
	await steered.base.advance(15_000);
	await until(() => text.split(': still here').length === 3);
	socket.destroy();
});

it('takes 32 readers, and one more when one has gone', async () => {
	const feeds = await Promise.all(Array.from({ length: 32 }, () => follow(steered.baseUrl)));
	const refused = await steered.send('GET', '/reference/events');
	expect([refused.status, refused.body.error.code]).toEqual([503, 'too_many_readers']);
	// As on every error that can be tried again.
	expect([refused.body.error.retry_after_ms, refused.headers['retry-after']]).toEqual([1_000, '1']);
	feeds[0]!.close();
	await until(async () => {
		const feed = await follow(steered.baseUrl);
		const { status } = feed.response;
		feed.close();
		return status === 200;
	});
	for (const feed of feeds) feed.close();
});

it('cuts off a reader that does not read, and goes on', async () => {
	const socket = connect(Number(new URL(steered.baseUrl).port), '127.0.0.1');
	socket.on('error', () => {});
	socket.pause();
	socket.write('GET /reference/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
	const readers = () => steered.reference.control.state().readers;
	await until(() => readers() === 1);
	// What the system's own buffers take comes before what waits in the process: some megabytes.
	const path = `/api/v2/lead-lists?folder_id=${'x'.repeat(1_900)}`;
	for (let sent = 0; readers() > 0 && sent < 20_000; sent += 100) {
		await Promise.all(Array.from({ length: 100 }, () => steered.send('GET', path)));
	}
	expect(readers()).toBe(0);
	expect((await ask()).status).toBe(200);
	socket.destroy();
});

it('ends with the server', async () => {
	const feed = await follow(steered.baseUrl);
	const ended = feed.ended();
	await steered.close();
	await ended;
	steered = await startSteered();
});
