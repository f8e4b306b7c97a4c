import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ROOT } from '../../../dev/root.ts';

/**
 * An existing Worker, as an operator may have one: a Hono app with a D1 database, a Durable Object, a queue that it consumes, and a cron
 * trigger with the same expression as the gateway's.
 */
export const SHOP: Readonly<Record<string, string>> = {
  'package.json': `{
    "name": "shop",
    "type": "module",
    "dependencies": { "hono": "^4.0.0" }
}
`,
  'wrangler.toml': `# The shop.
name = "the_shop" # not a name of a queue
main = "src/index.ts"
compatibility_date = "2025-11-17"
compatibility_flags = ["nodejs_compat"]

[vars]
GREETING = "hello" # shown at /hello

[[d1_databases]]
binding = "DB"
database_name = "orders"
migrations_dir = "migrations"

# Counts visits.
[[durable_objects.bindings]]
name = "COUNTER"
class_name = "Counter"

[[migrations]]
tag = "v1"
new_sqlite_classes = ["Counter"]

[[queues.producers]]
binding = "JOBS"
queue = "jobs"

[[queues.consumers]]
queue = "jobs"
max_batch_timeout = 1

[triggers]
crons = ["* * * * *", "0 3 * * *"] # stock, and nightly
`,
  'migrations/0001_orders.sql': 'CREATE TABLE orders (item TEXT NOT NULL) STRICT;\n',
  '.dev.vars': `# Of the shop.
SHOP_SECRET="sesame"
`,
  '.gitignore': 'node_modules\n.wrangler\n.dev.vars\n',
  'src/counter.ts': `import { DurableObject } from 'cloudflare:workers';

export class Counter extends DurableObject<Env> {
  async next(): Promise<number> {
    const count = ((await this.ctx.storage.get<number>('count')) ?? 0) + 1;
    await this.ctx.storage.put('count', count);
    return count;
  }
}
`,
  'src/index.ts': `import { Hono } from 'hono';

export { Counter } from './counter';

const app = new Hono<{ Bindings: Env }>();
app.get('/hello', (context) => context.text(\`\${context.env.GREETING} \${context.env.SHOP_SECRET}\`));
app.get('/visits', async (context) =>
  context.json(await context.env.COUNTER.getByName('all').next()),
);
app.get('/orders', async (context) => {
  const { results } = await context.env.DB.prepare('SELECT item FROM orders ORDER BY rowid').all();
  return context.json(results.map(({ item }) => item));
});
app.post('/orders', async (context) => {
  await context.env.JOBS.send(await context.req.text());
  return context.body(null, 202);
});

const store = async (env: Env, item: string): Promise<void> => {
  await env.DB.prepare('INSERT INTO orders (item) VALUES (?)').bind(item).run();
};

export default {
  fetch: app.fetch,
  async queue(batch: MessageBatch<string>, env) {
    for (const { body } of batch.messages) await store(env, body);
  },
  async scheduled({ cron }, env) {
    await store(env, \`cron \${cron}\`);
  },
} satisfies ExportedHandler<Env, string>;
`,
  'tsconfig.json': `{
  "compilerOptions": {
    "target": "es2024",
    "module": "es2022",
    "moduleResolution": "bundler",
    "lib": ["es2024"],
    "types": ["./worker-configuration.d.ts"],
    "strict": true,
    "exactOptionalPropertyTypes": true,
    "noUncheckedIndexedAccess": true,
    "resolveJsonModule": true,
    "noEmit": true
  },
  "include": ["src", "worker-configuration.d.ts"]
}
`,
};

/** Writes the shop into a directory and links this repository's packages, because the tests have no registry. */
export const putShop = async (
  directory: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<void> => {
  for (const [name, text] of Object.entries({ ...SHOP, ...changes })) {
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  await mkdir(join(directory, 'node_modules'), { recursive: true });
  await symlink(join(ROOT, 'node_modules/hono'), join(directory, 'node_modules/hono'));
};
