import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const NOW = 1_800_000_000;
const TEN_MINUTES = 600;

/** The clock of a page that has just been opened on a device that is ten minutes fast. */
const openClock = async () => {
  vi.resetModules();
  return await import('../../../../../src/dashboard/data/gateway/gateway-clock.ts');
};

const dated = (seconds: number): Response =>
  new Response('', { headers: { date: new Date(seconds * 1000).toUTCString() } });

beforeEach(() => {
  vi.useFakeTimers({ now: (NOW + TEN_MINUTES) * 1000, toFake: ['Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

it('lets nothing expire before an answer of the gateway, and then goes by its time', async () => {
  const { gatewayNow, noteClock, passedAtGateway } = await openClock();
  expect(passedAtGateway()).toBe(0);
  noteClock(dated(NOW), NOW + TEN_MINUTES);
  expect([gatewayNow(), passedAtGateway()]).toEqual([NOW, NOW]);
});

it('does not take the sleep of the device for a difference of the clocks', async () => {
  const { gatewayNow, noteClock } = await openClock();
  noteClock(dated(NOW), NOW + TEN_MINUTES);
  vi.setSystemTime((NOW + TEN_MINUTES + 3600) * 1000);
  noteClock(dated(NOW), NOW + TEN_MINUTES);
  expect(gatewayNow()).toBe(NOW + 3600);
});

it('goes by the device where answers have no time', async () => {
  const { noteClock, passedAtGateway } = await openClock();
  noteClock(new Response(''), NOW + TEN_MINUTES);
  expect(passedAtGateway()).toBe(NOW + TEN_MINUTES);
});
