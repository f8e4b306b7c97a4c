import { describe, expect, it } from 'vitest';
import {
  CARD_MARK,
  holdsDigits,
  isCardNumber,
  scrubAnyCard,
  scrubberOf,
} from '../../../src/cards/card-digits.ts';
import { filterAnswer, filtered } from '../../../src/cards/filter-answer.ts';
import { writtenForms } from '../../../dev/written-forms.ts';

const NUMBER = '4000009990000013';
const card = { number: NUMBER, cvc: '737' };
const amex = { number: '378282246310005', cvc: '1234' };

describe('the scrubber of a known card', () => {
  const groupings = [
    NUMBER,
    '4000 0099 9000 0013',
    '4000-0099-9000-0013',
    '4000.0099.9000.0013',
    '4000 009990 000013',
    '4 0 0 0 0 0 9 9 9 0 0 0 0 0 1 3',
    '4000\u00a00099\u20119000\u20130013',
    'a4000b0099c9000d0013e',
  ];
  it.each(groupings)('removes %s', (text) => {
    const scrubbed = scrubberOf(card)(`id ${text} end`);
    expect(holdsDigits(scrubbed, NUMBER)).toBe(false);
    expect(scrubbed).toContain(CARD_MARK);
  });

  it('removes 4-6-5 groups, every form of the vault, and a number twice', () => {
    expect(scrubberOf(amex)('3782 822463 10005')).toBe(CARD_MARK);
    for (const form of writtenForms(NUMBER)) {
      expect(scrubberOf(card)(`x${form}y`).toLowerCase()).not.toContain(form);
    }
    expect(scrubberOf(card)(`${NUMBER} ${NUMBER}`)).toBe(`${CARD_MARK} ${CARD_MARK}`);
  });

  it('removes a text that is the CVC, and leaves three digits inside others', () => {
    expect(scrubberOf(card)(' 737 ')).toBe(CARD_MARK);
    expect(scrubberOf(card)('ord_737a')).toBe('ord_737a');
  });

  it('leaves other numbers', () => {
    expect(scrubberOf(card)('4000009990000021 at 12:30')).toBe('4000009990000021 at 12:30');
  });
});

describe('the scrubber of an unknown card', () => {
  it.each(['4242424242424242', '4242 4242 4242 4242', '3782-822463-10005', '5555.5555.5555.4444'])(
    'removes %s',
    (text) => expect(scrubAnyCard(`no ${text}, thanks`)).toBe(`no ${CARD_MARK}, thanks`),
  );

  it.each([
    '4242424242424241',
    '1234567812345670',
    '424242424242',
    '42424242424242424242',
    '2026-11-27 12:30',
  ])('leaves %s', (text) => expect(scrubAnyCard(text)).toBe(text));

  it('knows the check digit', () => {
    expect(['4000000000009995', '4000000000009994'].map(isCardNumber)).toEqual([true, false]);
  });
});

describe('the answer of a card tool', () => {
  const keep = (text: string) => text;
  const filter = (response: Response, pointers = ['/id', '/charge/status']) =>
    filterAnswer(response, pointers, keep);

  it('holds the named members in their shape, and no others', async () => {
    const source = { id: 'o1', charge: { status: 'paid', card: NUMBER }, cvc: '737', list: ['x'] };
    expect(await filter(Response.json(source))).toEqual({
      ...{ status: 200, body: { id: 'o1', charge: { status: 'paid' } } },
    });
  });

  it('holds no object, no array, no member of an array and no long text', () => {
    const source = { id: { number: NUMBER }, list: [{ id: 'x' }], long: 'x'.repeat(257), ok: true };
    expect(filtered(source, ['/id', '/list', '/list/0/id', '/long', '/ok', '/none'], keep)).toEqual(
      {
        ok: true,
      },
    );
  });

  it('follows own members alone', () => {
    expect(filtered({}, ['/constructor/name', '/toString', '/__proto__/x'], keep)).toEqual({});
  });

  it('scrubs numbers, and leaves them numbers if they hold no card', () => {
    const scrub = scrubberOf(card);
    expect(filtered({ a: Number(NUMBER), b: 1_850 }, ['/a', '/b'], scrub)).toEqual({
      ...{ a: CARD_MARK, b: 1_850 },
    });
  });

  it('has one of three statuses: 737 could be a CVC', async () => {
    const seen = await Promise.all(
      [201, 299, 402, 499, 302, 500, 599].map(
        async (status) => (await filter(new Response('{}', { status }))).status,
      ),
    );
    expect(seen).toEqual([200, 200, 422, 422, 502, 502, 502]);
  });

  it.each(['no json', '[{"id":1}]', '{"id":1,"id":2}', `{"id":"${' '.repeat(300_000)}"}`])(
    'is empty for an unreadable body: %#',
    async (text) => {
      expect((await filter(new Response(text))).body).toEqual({});
    },
  );
});
