import { mkdtempSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { getRequest, openConnection } from './connection.ts';
import { deal, type Measured, mustAllBe, run } from './load.ts';
import { agents, type BenchAgent, boundPayment, PRICE } from './signing.ts';
import { type GatewaySubject, startGateway } from './gateway-subject.ts';
import { type Bench, offerOf, TARGET, type Upstream } from './subject.ts';

/** What calls of one account take while it remembers so many others. */
export type Remembered = {
  readonly remembered: number;
  /** Milliseconds that the first call took which a fresh process was sent. */
  readonly firstMs: number;
  readonly alone: Measured;
  readonly at16: Measured;
  /** Of the object's database. */
  readonly mebibytes: number;
};

const CALLS = 300;

const databaseOf = async (directory: string, { address }: BenchAgent): Promise<string> => {
  const storage = join(directory, 'storage', 'gateway-AgentAccount');
  for (const name of await readdir(storage)) {
    if (!name.endsWith('.sqlite')) continue;
    const database = new DatabaseSync(join(storage, name));
    try {
      const found = database
        .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'account'")
        .get();
      const row = found && database.prepare('SELECT account FROM account').get();
      if (String(row?.['account']).endsWith(address)) return join(storage, name);
    } finally {
      database.close();
    }
  }
  throw new Error(`No object has been made for ${address}.`);
};

/** Calls that have ended, as the object itself has written one, under other ids and kept for longer than the bench takes. */
const remember = (file: string, calls: number): void => {
  const database = new DatabaseSync(file);
  const columns = database
    .prepare('SELECT name FROM pragma_table_info(?)')
    .all('calls')
    .map(({ name }) => String(name));
  const values = columns.map((name) => {
    if (name === 'id')
      return `printf('0x%08x', number * (4294967295 / ${calls})) || lower(hex(randomblob(28)))`;
    return name === 'prune_at' ? 'prune_at + 86400' : name;
  });
  database.exec('PRAGMA synchronous = OFF');
  database.exec(`
    CREATE TEMP TABLE one AS SELECT * FROM calls WHERE prune_at IS NOT NULL AND price = ${PRICE} LIMIT 1;
    WITH RECURSIVE numbers(number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < ${calls})
    INSERT INTO calls (${columns.join(', ')}) SELECT ${values.join(', ')} FROM one, numbers;`);
  const { count } = database.prepare('SELECT count(*) AS count FROM calls').get() as {
    count: number;
  };
  database.close();
  if (count < calls) throw new Error(`Only ${count} calls were remembered.`);
};

const makerOf = async (gateway: GatewaySubject, agent: BenchAgent) => {
  const offer = await offerOf(gateway);
  const request = { audience: gateway.audience, tool: 'lookup', target: TARGET };
  return (count: number): readonly Buffer[] =>
    Array.from({ length: count }, () =>
      getRequest(gateway.port, TARGET, {
        'PAYMENT-SIGNATURE': boundPayment(agent, offer, request),
      }),
    );
};

const settled = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 1_500));
};

/** In a fresh process, over a directory of objects that are there. */
const measureHere = async (
  bench: Bench,
  upstream: Upstream,
  directory: string,
  agent: BenchAgent,
): Promise<Omit<Remembered, 'remembered' | 'mebibytes'>> => {
  const gateway = await startGateway(bench, upstream, { directory });
  try {
    const make = await makerOf(gateway, agent);
    const connection = await openConnection(gateway.port);
    const began = performance.now();
    const [request] = make(1);
    const first = await connection.send(request ?? Buffer.of());
    const firstMs = performance.now() - began;
    connection.close();
    if (first.status !== 200) throw new Error(`The first call heard ${first.status}.`);
    const warmUp = await run(gateway.port, deal(make(600), 1, 16), gateway);
    mustAllBe(warmUp, 200, 'growth, warm-up');
    await settled();
    const alone = await run(gateway.port, deal(make(CALLS), 1, 1), gateway);
    await settled();
    const at16 = await run(gateway.port, deal(make(CALLS * 2), 1, 16), gateway);
    return {
      firstMs,
      alone: mustAllBe(alone, 200, 'growth'),
      at16: mustAllBe(at16, 200, 'growth, 16 at once'),
    };
  } finally {
    await gateway.stop();
  }
};

/** An account with a first call that has ended, in a directory of its own. */
const begin = async (
  bench: Bench,
  upstream: Upstream,
  directory: string,
  agent: BenchAgent,
): Promise<void> => {
  const gateway = await startGateway(bench, upstream, { directory });
  try {
    await gateway.seed([agent]);
    const make = await makerOf(gateway, agent);
    mustAllBe(await run(gateway.port, deal(make(1), 1, 1), gateway), 200, 'growth, first call');
    await settled();
    await settled();
  } finally {
    await gateway.stop();
  }
};

/** The same calls of one account, once with nothing behind it and once with so many calls that it still remembers. */
export const measureGrowth = async (
  bench: Bench,
  upstream: Upstream,
  calls: number,
): Promise<readonly Remembered[]> => {
  const directory = mkdtempSync(join(bench.workspace, 'growth-'));
  const [agent] = agents(1);
  if (agent === undefined) return [];
  const measured = async (remembered: number): Promise<Remembered> => {
    const figures = await measureHere(bench, upstream, directory, agent);
    const { size } = await stat(await databaseOf(directory, agent));
    return { remembered, ...figures, mebibytes: size / 2 ** 20 };
  };
  try {
    await begin(bench, upstream, directory, agent);
    const empty = await measured(0);
    remember(await databaseOf(directory, agent), calls);
    return [empty, await measured(calls)];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
