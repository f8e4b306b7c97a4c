import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { mnemonicToAccount } from 'viem/accounts';
import { beforeEach, describe, expect, test } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { useWorld } from '../conformance/support/world.ts';
import { documentIn, pipe, type Ran } from './support/command.ts';
import { type Home, PASSWORD, useHome, withEnv } from './support/home.ts';
import { putFleet, putKey, WORDS } from './support/keys.ts';
import { putStackFile } from './support/stack.ts';
import { openTerminal } from './support/terminal.ts';

const world = useWorld();
const home = useHome();
let place: Home;
beforeEach(async () => {
  place = await putStackFile(world(), home());
});

const call = async (...words: readonly string[]): Promise<Ran> =>
  await pipe(place, ['call', ...words]);
const LOOKUP = '/tools/lookup?word=river';
const ran = async (tool: string): Promise<number> =>
  Number(Object.entries(await world().counts()).find(([name]) => name === tool)?.[1] ?? 0);

const isSigned = ({ headers }: IncomingMessage): boolean =>
  headers['payment-signature'] !== undefined;

/** Answers 402 with the offer of a server that supports only x402. */
const sendOffer = (response: ServerResponse): void => {
  const accepts = [
    {
      scheme: 'exact',
      network: 'eip155:84532',
      amount: '1000',
      asset: world().stack.description.usdc,
      payTo: people.payTo,
      maxTimeoutSeconds: 60,
      extra: { name: 'USDC', version: '2' },
    },
  ];
  const offer = { x402Version: 2, resource: { url: 'http://x/' }, accepts };
  const header = Buffer.from(JSON.stringify(offer)).toString('base64');
  response.writeHead(402, { 'payment-required': header }).end();
};

describe('a paid call', () => {
  test('writes the body to stdout and the cost to stderr', async () => {
    const { code, stdout, stderr } = await call(LOOKUP);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ word: 'river' });
    expect(stdout.endsWith('\n')).toBe(false);
    expect(stderr).toMatch(/^200 · paid \$0\.001 in USDC on base-sepolia · receipt verified\n$/);
  });

  test('prints one document with --json', async () => {
    const document = documentIn(
      await call('/tools/translate', '-d', '{"text":"hello","to":"fr"}', '--json'),
    );
    expect(document).toMatchObject({
      method: 'POST',
      status: 200,
      body: { text: 'bonjour' },
      paid: 'payment',
      binding: 'intent',
      charged: '20000',
      receipt: { verified: true },
    });
  });

  test('prints each step with -v, but no signature', async () => {
    const { code, stdout, stderr } = await call(LOOKUP, '-v', '--as', 'agent2');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ word: 'river' });
    const steps = [
      '> GET',
      '< 402',
      '* offer $0.001',
      '* signs TransferWithAuthorization',
      'value        1000',
      'payment-signature: (signed; not shown)',
      '< 200',
      '* receipt verified',
      '* left rate',
    ];
    let at = 0;
    for (const step of steps) {
      const next = stderr.indexOf(step, at);
      expect(next, `${step} in ${stderr.slice(at)}`).toBeGreaterThanOrEqual(0);
      at = next;
    }
    expect(stderr).not.toMatch(/[A-Za-z0-9+/=]{200,}/);
    expect(stderr).not.toContain(people.agents[1].privateKey.slice(2));
  });

  test('reads its body from a file or a pipe, and its key from the keystore', async () => {
    await putKey(place, 'treasury', people.agents[2].privateKey);
    const file = join(place.directory, 'body.json');
    await writeFile(file, '{"text":"hello","to":"de"}');
    const known = withEnv(place, { COUNTERSIGN_PASSWORD: PASSWORD });
    const words = ['call', '/tools/translate', '--as', 'treasury', '-d'];
    const one = await pipe(known, [...words, `@${file}`]);
    const other = await pipe(known, [...words, '@-'], '{"text":"hello","to":"fr"}');
    expect([JSON.parse(one.stdout), JSON.parse(other.stdout)]).toMatchObject([
      { to: 'de' },
      { to: 'fr' },
    ]);
  });

  test('asks for the password of its key at a terminal', async () => {
    await putKey(place, 'treasury', people.agents[2].privateKey);
    const terminal = openTerminal(place, ['call', LOOKUP, '--as', 'treasury']);
    await terminal.sees('Password of key treasury');
    terminal.type(PASSWORD);
    terminal.press('enter');
    await terminal.sees('"word":"river"');
    await terminal.sees('receipt verified');
    expect(await terminal.ended()).toBe(0);
    expect(terminal.raw()).not.toContain(PASSWORD);
  });

  test('signs as the fleet agent that --as names', async () => {
    await putFleet(place, 'team', ['alice', 'bob']);
    const known = withEnv(place, { COUNTERSIGN_PASSWORD: PASSWORD });
    const { address } = mnemonicToAccount(WORDS, { path: `m/44'/60'/0'/0'/1'` });
    for (const name of ['team/bob', 'team/1', 'bob']) {
      const ran = await pipe(known, ['call', '/tools/whoami', '--as', name, '--json']);
      // The account has no money. The denial names the account that signed.
      expect(ran.code).toBe(5);
      expect(documentIn(ran)['error']).toMatchObject({
        rule: 'penniless',
        account: `eip155:84532:${address.toLowerCase()}`,
      });
    }
  });
});

describe('a refusal', () => {
  test('by --max ends with 5 before anything is signed', async () => {
    const before = await ran('enrich');
    const { code, stdout, stderr } = await call('/tools/enrich', '-d', '{"text":"x"}', '-v');
    expect(code).toBe(5);
    expect(stdout).toBe('');
    expect(stderr).toContain('The price is $15.00; the cap per call is $0.05.');
    expect(stderr).toContain('Raise --max');
    expect(stderr).not.toContain('signs');
    expect(await ran('enrich')).toBe(before);
  });

  test('by the gateway prints rule, account, limit, remaining amount and next step, and ends with 5', async () => {
    const words = ['/tools/enrich', '-d', '{"text":"x"}', '--max', '$20'];
    const { code, stdout, stderr } = await call(...words);
    expect(code).toBe(5);
    expect(stdout).toBe('');
    for (const line of [
      /rule +per_call/,
      /limit +\$5\.00/,
      /left +\$5\.00/,
      /price +\$15\.00/,
      /account +eip155:84532:0x/,
      /next +Choose a cheaper call/,
    ]) {
      expect(stderr).toMatch(line);
    }
    const document = documentIn(await call(...words, '--json'));
    expect(document['error']).toMatchObject({
      code: 'denied',
      rule: 'per_call',
      limit: '5000000',
      exit: 5,
    });
  });

  test('by a tool keeps its body on stdout and ends with 1', async () => {
    const { code, stdout, stderr } = await call('/tools/flaky?status=500');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ status: 500 });
    expect(stderr).toContain('500 · nothing charged');
  });

  test('by a tool after an upfront payment reports the amount as credit', async () => {
    // This payer has no settled payment here, so the gateway settles before the tool runs.
    const { code, stderr } = await call('/tools/flaky?status=500', '--as', 'agent7');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^500 · charged nothing; \$0\.01 in USDC on base-sepolia had moved and is credit now/m,
    );
    const ran = await call('/tools/flaky?drop=1', '--as', 'agent6', '--json');
    expect(documentIn(ran)).toMatchObject({
      ...{ status: 502, charged: '0', credited: '10000' },
      body: { money: 'credited' },
    });
  });

  test('by a rate reports when the next call passes', async () => {
    const set = ['policy', 'set', 'agent8', '--rate', '1/60s', '--operator'];
    expect((await pipe(place, set)).code).toBe(0);
    expect((await call(LOOKUP, '--as', 'agent8')).code).toBe(0);
    const { code, stderr } = await call(LOOKUP, '--as', 'agent8');
    expect(code).toBe(5);
    expect(stderr).toMatch(/retry in +\d+ s/);
    expect(stderr).toMatch(/resets +20\d\d-\S+Z \(in \d+ s\)/);
    expect(stderr).toContain('Limit: 1 call in 60 seconds.');
    const before = Math.floor(Date.now() / 1000);
    const { error } = documentIn(await call(LOOKUP, '--as', 'agent8', '--json')) as {
      readonly error: Readonly<Record<string, unknown>>;
    };
    expect(error).toMatchObject({ code: 'denied', status: 429, rule: 'rate' });
    const [after, at] = [Number(error['retry_after']), Number(error['resets_at'])];
    expect(after).toBeGreaterThan(0);
    expect(after).toBeLessThanOrEqual(60);
    // The wait counts from the denial, in whole seconds.
    expect(at - after).toBeGreaterThanOrEqual(before - 1);
    expect(at - after).toBeLessThanOrEqual(Date.now() / 1000 + 1);
  });

  test('with --credit follows an intent, not a payment', async () => {
    const { code, stderr } = await call(LOOKUP, '--credit', '--as', 'agent5', '-v');
    expect(code).toBe(5);
    expect(stderr).toContain('signs AgentIntent');
    expect(stderr).not.toContain('TransferWithAuthorization');
    expect(stderr).toMatch(/rule +credit/);
  });
});

describe('an unknown outcome', () => {
  /** Starts a server that breaks the connection of each signed request without an answer. */
  const silent = async () => {
    const server = createServer((request, response) => {
      if (isSigned(request)) request.socket.destroy();
      else sendOffer(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { server, origin: `http://127.0.0.1:${(server.address() as { port: number }).port}` };
  };

  test('names the command of the shell that shows the call to the key that signed it', async () => {
    const { server, origin } = await silent();
    try {
      const { code, stderr } = await call(`${origin}/`, '--as', 'agent4');
      expect(code).toBe(3);
      expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(
        new RegExp(
          `\`countersign calls show 0x[0-9a-f]{40} 0x[0-9a-f]{64} --as agent4 --gateway ${origin}\``,
        ),
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('is what that command shows, of a call and of a top-up', async () => {
    const made = documentIn(await call(LOOKUP, '--as', 'agent5', '--json'));
    const { agents, owner } = world().stack.description;
    const bought = documentIn(await pipe(place, ['credits', 'top-up', '1', '--json']));
    for (const [payer, made2, name] of [
      [agents[4]?.address, made, 'agent5'],
      [owner.address, bought, 'owner'],
    ] as const) {
      const words = ['calls', 'show', String(payer), String(made2['call']), '--as', name];
      const shown = await pipe(place, words);
      expect(shown.code, shown.stderr).toBe(0);
      expect(shown.stdout).toContain('committed: the tool answered');
    }
  });
});

describe('--dry-run', () => {
  test('prints the verdict and runs nothing', async () => {
    const before = await ran('lookup');
    const document = documentIn(await call(LOOKUP, '--dry-run', '--json'));
    expect(document).toMatchObject({ dry_run: true, tool: 'lookup', price: '1000' });
    const { code, stdout } = await call(LOOKUP, '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/price +\$0\.001/);
    expect(await ran('lookup')).toBe(before);
  });

  test('pays no server that does not know dry runs', async () => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(isSigned(request) ? 'signed' : 'unsigned');
      sendOffer(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as { port: number };
      const { code, stderr } = await call(`http://127.0.0.1:${port}/`, '--dry-run');
      expect(code).toBe(1);
      expect(stderr).toContain('does not support dry runs');
      expect(seen).toEqual(['unsigned']);
    } finally {
      server.close();
    }
  });
});

describe('keys of a local stack', () => {
  test('sign for this machine only', async () => {
    for (const words of [[], ['--as', 'agent1'], ['--as', 'owner']]) {
      const { code, stderr } = await call('https://gateway.example/tools/lookup', ...words);
      expect(code).toBe(4);
      expect(stderr).toContain('whose private key is public');
      expect(stderr).toContain('--as');
    }
  });
});

test('ends with 130 on Ctrl-C during a paid call and warns that it may have run', async () => {
  const signed = Promise.withResolvers<void>();
  // The server never answers the payment, so the call runs until Ctrl-C.
  const server = createServer((request, response) => {
    if (isSigned(request)) signed.resolve();
    else sendOffer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as { port: number };
    const terminal = openTerminal(place, ['call', `http://127.0.0.1:${port}/`, '--as', 'agent4']);
    await signed.promise;
    await terminal.sees('calling 127.0.0.1');
    terminal.press('ctrl-c');
    expect(await terminal.ended()).toBe(130);
    expect(terminal.shown()).toContain('may have sent it');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
