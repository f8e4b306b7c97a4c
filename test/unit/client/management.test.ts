import { describe, expect, it } from 'vitest';
import { createManagement } from '../../../src/client/index.ts';
import {
  CHALLENGE,
  clientOf,
  errorOf,
  expectSigned,
  HASH,
  json,
  ORDERED,
  OTHER,
  OWNER,
  POLICY,
} from './management-fixture.ts';
import { account, GATEWAY, intentOf, problem, scripted, type Step } from './server.ts';

describe('a management request', () => {
  it('is signed for exactly the method, URL, headers and body that are sent', async () => {
    const server = scripted(json(ORDERED, { etag: `"${HASH}"` }));
    const { body, etag } = await clientOf(server).call('account.policy.put', {
      params: { account: OWNER },
      body: POLICY,
      ifMatch: HASH,
      dryRun: true,
    });
    expect(body).toEqual(ORDERED);
    expect(etag).toBe(`"${HASH}"`);
    const [arrived] = server.arrived;
    expect(arrived).toMatchObject({
      method: 'PUT',
      url: `${GATEWAY}/accounts/${OWNER}/policy`,
      body: JSON.stringify(POLICY),
      redirect: 'manual',
    });
    expect(arrived?.headers.get('if-match')).toBe(`"${HASH}"`);
    expect(arrived?.headers.get('dry-run')).toBe('?1');
    await expectSigned(arrived, 'countersign.admin.account.policy.put');
  });

  it('signs its query as part of the target, with numbers as text and without undefined members', async () => {
    const server = scripted(json({ items: [] }));
    await clientOf(server).call('account.calls', {
      params: { account: OWNER },
      query: { limit: 5, state: 'held', tool: undefined as never },
    });
    expect(server.arrived[0]?.url).toBe(`${GATEWAY}/accounts/${OWNER}/calls?limit=5&state=held`);
    await expectSigned(server.arrived[0], 'countersign.admin.account.calls');
  });

  it('gets a new nonce each time', async () => {
    const server = scripted(json({ items: [] }), json({ items: [] }));
    const management = clientOf(server, { chainId: 84532 });
    await management.call('tools.list');
    await management.call('tools.list');
    const [one, two] = server.arrived.map((arrived) => intentOf(arrived).intent.nonce);
    expect(one).not.toBe(two);
  });

  it('accepts ifMatch with quotes, without quotes, and as *', async () => {
    const server = scripted(json(ORDERED), json(ORDERED), json(ORDERED));
    const management = clientOf(server);
    for (const ifMatch of [HASH, `"${HASH}"`, '*']) {
      await management.call('account.policy.delete', { params: { account: OWNER }, ifMatch });
    }
    expect(server.arrived.map(({ headers }) => headers.get('if-match'))).toEqual([
      `"${HASH}"`,
      `"${HASH}"`,
      '*',
    ]);
  });

  it.each(['..', '.', 'a/b', 'a?b', 'a#b', '%2e%2e', 'a b', '', 'a\\b', 'é'])(
    'rejects the tool name %j, which would change the path',
    async (tool) => {
      const server = scripted();
      const error = await errorOf(async () =>
        clientOf(server, { chainId: 84532 }).call('tools.delete', { params: { tool } }),
      );
      expect(error).toMatchObject({ code: 'options_invalid' });
      expect(server.arrived).toEqual([]);
    },
  );
});

describe('the chain of a management request', () => {
  it('is the chain of the account in its path', async () => {
    const server = scripted(json({}));
    await clientOf(server).call('account.get', { params: { account: OTHER } });
    expect(intentOf(server.arrived[0]).chainId).toBe(8453);
  });

  it('is the chainId of the options', async () => {
    const server = scripted(json({}));
    await clientOf(server, { chainId: 84532 }).call('account.get', { params: { account: OTHER } });
    expect(intentOf(server.arrived[0]).chainId).toBe(84532);
  });

  it('is the first chain of the gateway if neither path nor options name one', async () => {
    const server = scripted(CHALLENGE, json({ items: [] }), json({ items: [] }));
    const management = clientOf(server);
    await management.call('tools.list');
    await management.call('tools.list');
    expect(server.arrived.map(({ headers }) => headers.has('agent-intent'))).toEqual([
      false,
      true,
      true,
    ]);
    expect(intentOf(server.arrived[1]).chainId).toBe(84532);
  });
});

describe('a refused management request', () => {
  it('throws the problem of the gateway', async () => {
    const server = scripted(() => problem(412, 'precondition-failed', { current: HASH }));
    const error = await errorOf(async () =>
      clientOf(server).call('account.policy.put', { params: { account: OWNER }, body: POLICY }),
    );
    expect(error).toMatchObject({
      code: 'refused',
      problem: { type: 'urn:countersign:problem:precondition-failed', current: HASH },
      response: { status: 412 },
    });
  });

  it('throws answer_malformed for an answer that is not JSON', async () => {
    const server = scripted(() => new Response('<html>'));
    const error = await errorOf(async () =>
      clientOf(server).call('account.get', { params: { account: OWNER } }),
    );
    expect(error.code).toBe('answer_malformed');
  });

  it('does not follow a redirect', async () => {
    const server = scripted(
      () => new Response(null, { status: 307, headers: { location: 'https://evil.example/' } }),
    );
    const error = await errorOf(async () =>
      clientOf(server).call('account.get', { params: { account: OWNER } }),
    );
    expect(error.code).toBe('redirected');
    expect(server.arrived).toHaveLength(1);
  });
});

const lose: Step = () => {
  throw new TypeError('connection lost');
};

describe('a lost answer to a management request', () => {
  it('is requested again for a read, with the same signature', async () => {
    const server = scripted(lose, json({ items: [] }));
    await clientOf(server).call('account.tree', { params: { account: OWNER } });
    const [one, two] = server.arrived.map(({ headers }) => headers.get('agent-intent'));
    expect(one).toBe(two);
  });

  it('is reported without a warning for a read, which runs nothing', async () => {
    const read = (server: ReturnType<typeof scripted>) =>
      errorOf(async () => clientOf(server, { retries: 1 }).call('tools.list'));
    const lost = await read(scripted(CHALLENGE, lose, lose));
    expect(lost).toMatchObject({ code: 'unreachable', message: 'The gateway did not answer.' });
    const away = () => problem(503, 'storage-unavailable', { detail: 'No database.' });
    const refused = await read(scripted(CHALLENGE, away, away));
    expect(refused).toMatchObject({ code: 'refused', message: 'No database.' });
    for (const { hint } of [lost, refused]) expect(hint).not.toContain('may have');
  });

  it('is not suspected if only the chain could show what a command needs: the answer comes at once', async () => {
    const silent = () =>
      problem(503, 'payer-unreachable', { final: true, detail: 'No node answers.' });
    const pause = (management: ReturnType<typeof clientOf>) =>
      management.call('account.status', {
        params: { account: OWNER },
        body: { status: 'paused' },
      });
    const server = scripted(silent);
    const error = await errorOf(async () => pause(clientOf(server)));
    expect(error).toMatchObject({ code: 'refused', message: 'No node answers.' });
    expect(server.arrived).toHaveLength(1);
    // If the first attempt got no decision, the gateway may have applied it.
    const away = () => problem(503, 'storage-unavailable', {}, { 'Retry-After': '0' });
    for (const first of [lose, away]) {
      const late = await errorOf(async () => pause(clientOf(scripted(first, silent))));
      expect(late).toMatchObject({ code: 'command_lost' });
    }
  });

  it('is reported as command_lost if the repeat of a command finds its intent used', async () => {
    const server = scripted(lose, () => problem(409, 'already-used'));
    const error = await errorOf(async () =>
      clientOf(server).call('account.status', {
        params: { account: OWNER },
        body: { status: 'frozen' },
      }),
    );
    expect(error).toMatchObject({
      code: 'command_lost',
      problem: { type: 'urn:countersign:problem:already-used' },
    });
    const [one, two] = server.arrived.map(({ headers }) => headers.get('agent-intent'));
    expect(one).toBe(two);
  });

  it('is reported as command_lost if no repeat of a command is answered', async () => {
    const server = scripted(lose);
    const error = await errorOf(async () =>
      clientOf(server, { retries: 0 }).call('account.status', {
        params: { account: OWNER },
        body: { status: 'frozen' },
      }),
    );
    expect(error).toMatchObject({ code: 'command_lost', cause: { code: 'answer_lost' } });
  });

  const refund = (management: ReturnType<typeof clientOf>, amount = '5') =>
    management.call('calls.refund', {
      params: { account: OWNER, call: HASH },
      body: { amount, reason: 'a wrong answer' },
    });
  const intentsOf = (server: ReturnType<typeof scripted>) =>
    server.arrived.map(({ headers }) => headers.get('agent-intent'));

  it('lets the same command repeat its signature, and then sign anew', async () => {
    const server = scripted(lose, lose, json({}), json({}));
    const management = clientOf(server, { retries: 0 });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const { code, problem: known } = await errorOf(async () => refund(management));
      expect([code, known]).toEqual(['command_lost', undefined]);
    }
    await refund(management);
    await refund(management);
    const [first, second, third, fourth] = intentsOf(server);
    expect([second, third]).toEqual([first, first]);
    expect(fourth).not.toBe(first);
  });

  it('gives another command a signature of its own', async () => {
    const server = scripted(lose, json({}));
    const management = clientOf(server, { retries: 0 });
    await errorOf(async () => refund(management));
    await refund(management, '6');
    const [first, second] = intentsOf(server);
    expect(second).not.toBe(first);
  });

  it('does not repeat the signature of a PUT once a newer one of its target has an answer', async () => {
    const server = scripted(lose, json(ORDERED), json(ORDERED));
    const management = clientOf(server, { retries: 0 });
    const become = async (status: 'active' | 'paused') =>
      management.call('account.status', { params: { account: OWNER }, body: { status } });
    await errorOf(async () => become('paused'));
    await become('active');
    await become('paused');
    const [first, , third] = intentsOf(server);
    expect(third).not.toBe(first);
  });

  it('repeats the signature of a PUT after a dry run of it', async () => {
    const server = scripted(lose, json(ORDERED), json(ORDERED));
    const management = clientOf(server, { retries: 0 });
    const write = async (dryRun: boolean) =>
      management.call('account.policy.put', { params: { account: OWNER }, body: POLICY, dryRun });
    await errorOf(async () => write(false));
    await write(true);
    await write(false);
    const [first, , third] = intentsOf(server);
    expect(third).toBe(first);
  });

  it.each(['already-used', 'expired'])(
    'ends with a repeat that is %s: the command is over, whatever became of it',
    async (type) => {
      const server = scripted(lose, () => problem(409, type), json({}));
      const management = clientOf(server, { retries: 0 });
      await errorOf(async () => refund(management));
      expect(await errorOf(async () => refund(management))).toMatchObject({
        code: 'command_lost',
        problem: { type: `urn:countersign:problem:${type}` },
      });
      await refund(management);
      const [first, second, third] = intentsOf(server);
      expect(second).toBe(first);
      expect(third).not.toBe(first);
    },
  );

  it('does not end with a repeat that meets a rate limit', async () => {
    const server = scripted(lose, () => problem(429, 'rate-limited'), json({}));
    const management = clientOf(server, { retries: 0 });
    await errorOf(async () => refund(management));
    expect(await errorOf(async () => refund(management))).toMatchObject({
      code: 'command_lost',
      problem: undefined,
    });
    await refund(management);
    expect(new Set(intentsOf(server)).size).toBe(1);
  });

  it.each([
    ['an answer of a proxy', () => new Response('Bad gateway', { status: 502 })],
    ['a failure of the gateway', () => problem(500, 'internal')],
  ])('is what %s is, because the command may have been carried out', async (_, fails) => {
    for (const answers of [[fails], [lose, fails]]) {
      const server = scripted(...answers, json({}));
      const management = clientOf(server, { retries: 0 });
      for (const _attempt of answers) {
        expect(await errorOf(async () => refund(management))).toMatchObject({
          code: 'command_lost',
          problem: undefined,
        });
      }
      await refund(management);
      expect(new Set(intentsOf(server)).size).toBe(1);
    }
  });

  it('does not end with a repeat that a firewall stops', async () => {
    const server = scripted(lose, () => new Response('Blocked', { status: 403 }), json({}));
    const management = clientOf(server, { retries: 0 });
    await errorOf(async () => refund(management));
    expect(await errorOf(async () => refund(management))).toMatchObject({ code: 'command_lost' });
    await refund(management);
    expect(new Set(intentsOf(server)).size).toBe(1);
  });

  it('is not suspected for a command whose first attempt is refused', async () => {
    const server = scripted(() => problem(409, 'already-used'));
    const error = await errorOf(async () =>
      clientOf(server).call('account.default', {
        params: { account: OWNER },
        body: { grant: HASH },
      }),
    );
    expect(error.code).toBe('refused');
  });
});

describe('createManagement', () => {
  it.each([
    [{ gateway: 'nowhere' }, 'gateway'],
    [{ chainId: 1.5 }, 'chainId'],
    [{ retries: -1 }, 'retries'],
    [{ timeoutSeconds: Number.NaN }, 'timeoutSeconds'],
  ])('rejects the options %j and names %s', (options, name) => {
    expect(() => createManagement({ gateway: GATEWAY, account, ...options })).toThrow(name);
  });
});
