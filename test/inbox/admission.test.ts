import { createAdmission } from '../../relay/src/inbox/admission.ts';

const busy = expect.objectContaining({ name: 'StoreError', code: 'busy' }) as Error;

describe('admission', () => {
	it('lets in as many events as it may, and one more for each that leaves', () => {
		const admission = createAdmission({ disk: null, maxEvents: 2 });
		const first = admission.enter();
		admission.enter();
		expect(() => admission.enter()).toThrow(busy);
		expect(() => admission.check()).toThrow(busy);
		first.leave();
		first.leave();
		admission.enter();
		expect(() => admission.enter()).toThrow(busy);
	});

	it('counts the bytes of all, and takes none of those it refuses', () => {
		const admission = createAdmission({ disk: null, maxBytes: 100 });
		const [one, two] = [admission.enter(), admission.enter()];
		one.take(60);
		expect(() => two.take(41)).toThrow(busy);
		two.take(40);
		expect(() => admission.enter()).toThrow(busy);
		one.leave();
		admission.enter().take(60);
	});

	it('asks the disk about what it is about to take', () => {
		let room = 100;
		const admission = createAdmission({ disk: { hasRoomFor: (bytes) => bytes < room } });
		const place = admission.enter();
		place.take(50);
		expect(() => place.take(100)).toThrow(expect.objectContaining({ code: 'full' }) as Error);
		room = 0;
		expect(() => admission.enter()).toThrow(expect.objectContaining({ code: 'full' }) as Error);
	});
});
