import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call } from '../../../src/gateway/call.ts';
import type { Gateway } from '../../../src/gateway/gateway.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Call, Evidence } from '../../../src/protocol/account/call.ts';
import type { ScreeningVerdict } from '../../../src/protocol/account/screening.ts';
import { openScreening } from '../../../src/screening/screening.ts';
import { bodyOf, config, GO, signed } from './reserve-fixture.ts';
import { KEY_ACCOUNT, network, POLICY, scriptedGateway } from './scripted.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';

useVectorsClock();
beforeEach(() => {
  network(KEY_ACCOUNT);
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const OWNER: AccountId = `eip155:84532:0x${'0e'.repeat(20)}`;

const screeningOf = (verdictOn: (account: AccountId) => Partial<ScreeningVerdict>) => {
  const screened: AccountId[] = [];
  const screening: NonNullable<Gateway['screening']> = {
    settings: `0x${'5e'.repeat(32)}`,
    screen: async (account) => {
      screened.push(account);
      const clear = { verdict: 'clear', source: 'list:secret', passes: true, at: 0 } as const;
      return { account, ...clear, ...verdictOn(account) };
    },
  };
  return { screening, screened };
};

/** An account that requests the screening of itself and of its owner, and denies what a verdict forbids. */
const account = async ({ account: own }: Call, _: unknown, { screening }: Evidence) => {
  if (screening === undefined) return GO;
  const { verdicts } = screening;
  if (verdicts === undefined) return { verdict: 'unscreened', accounts: [own, OWNER] } as const;
  const forbids = verdicts.find(({ passes }) => !passes);
  const denied: ReserveVerdict = {
    verdict: 'denied',
    denial: {
      rule: 'screening',
      account: forbids?.account ?? own,
      retryAllowed: false,
      policy: POLICY,
    },
  };
  return forbids === undefined ? GO : denied;
};

const run = async (
  screening: Gateway['screening'],
  reserve: (...of: Parameters<typeof account>) => Promise<ReserveVerdict> = account,
  request?: Request,
) => {
  const { gateway, asked } = await scriptedGateway(config, { reserve });
  const answer = await call({ ...gateway, screening }, request ?? (await signed()));
  return { answer, asked };
};

describe('a call with screening', () => {
  it('without the setting costs no request more', async () => {
    const { answer, asked } = await run(undefined);
    expect(answer.status).toBe(200);
    expect(asked.map((each) => each.asked)).toEqual(['reserve', 'finish']);
  });

  it('of an account that has a verdict costs no request more and no question', async () => {
    const { screening, screened } = screeningOf(() => ({}));
    const { asked } = await run(screening, async () => GO);
    expect(asked.map((each) => each.asked)).toEqual(['reserve', 'finish']);
    expect(screened).toEqual([]);
  });

  it('asks once about each account that the call needs, and reserves again', async () => {
    const { screening, screened } = screeningOf(() => ({}));
    const { answer, asked } = await run(screening);
    expect(answer.status).toBe(200);
    expect(asked.map((each) => each.asked)).toEqual(['reserve', 'reserve', 'finish']);
    expect(screened).toEqual([asked[0]?.of, OWNER]);
  });

  it('answers a listed payer, a listed owner and a silent source with the same bytes', async () => {
    const listed = { verdict: 'listed', passes: false } as const;
    const silent = { verdict: 'unanswered', passes: false, source: 'provider:acme' } as const;
    const cases = [
      screeningOf((of) => (of === OWNER ? {} : listed)),
      screeningOf((of) => (of === OWNER ? listed : {})),
      screeningOf(() => silent),
    ];
    const request = await signed();
    const answers = await Promise.all(
      cases.map(async ({ screening }) => (await run(screening, account, request.clone())).answer),
    );
    const texts = await Promise.all(answers.map(async (answer) => answer.clone().text()));
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(texts[1]).toBe(texts[0]);
    expect(texts[2]).toBe(texts[0]);
    expect(JSON.parse(texts[0] ?? '')).toMatchObject({
      ...{ rule: 'screening', retry_allowed: false },
      detail: 'The operator does not serve this call.',
    });
    expect(texts.join()).not.toMatch(/secret|acme|listed|0e0e/);
    const headers = answers.map((answer) => [...answer.headers]);
    expect(headers[1]).toEqual(headers[0]);
    expect(headers[2]).toEqual(headers[0]);
  });

  it('freezes the credit of a listed owner at the owner', async () => {
    const { screening } = screeningOf((of) =>
      of === OWNER ? { verdict: 'listed', passes: false } : {},
    );
    const { asked } = await run(screening);
    const told = asked.filter((each) => each.asked === 'apply');
    expect(told).toMatchObject([
      { of: OWNER, order: { kind: 'screened', verdict: { account: OWNER, verdict: 'listed' } } },
    ]);
  });

  it('ends if the account asks for the same verdict again', async () => {
    const { screening, screened } = screeningOf(() => ({}));
    const { answer } = await run(screening, async () => ({
      verdict: 'unscreened',
      accounts: [OWNER],
    }));
    expect(answer.status).toBe(503);
    expect(screened).toEqual([OWNER]);
  });

  it('is refused while the setting is malformed', async () => {
    const env = { SCREENING: '{"lists":["own"]}' } as unknown as Env;
    const { answer } = await run(openScreening(env, 'public'));
    expect(answer.status).toBe(503);
    expect(JSON.stringify(await bodyOf(answer))).not.toContain('own');
    expect(openScreening({ SCREENING: ' ' } as unknown as Env, 'public')).toBeUndefined();
  });
});
