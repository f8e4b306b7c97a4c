import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildBundles } from './bench/bundles.ts';
import { getRequest } from './bench/connection.ts';
import { framesOf } from './bench/frames.ts';
import { type CpuProfile, openInspector } from './bench/inspector.ts';
import { deal, mustAllBe, run } from './bench/load.ts';
import { agents, boundPayment } from './bench/signing.ts';
import { startGateway } from './bench/gateway-subject.ts';
import { offerOf, startUpstream, TARGET } from './bench/subject.ts';
import { newWorkspace } from './bench/subject.ts';
import { ROOT } from './root.ts';
import { freePort } from './stack/ports.ts';

/** Where the CPU of a paid call goes: the deployed bundle in raw workerd under its own profiler. `--out` keeps the profile, for DevTools. */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '2000' },
    connections: { type: 'string', default: '16' },
    agents: { type: 'string', default: '100' },
    top: { type: 'string', default: '20' },
    out: { type: 'string' },
  },
});
const [requests, connections, several, top] = [
  Number(values.requests),
  Number(values.connections),
  Number(values.agents),
  Number(values.top),
];
/** Microseconds between samples. */
const INTERVAL = 200;

const workspace = newWorkspace();
const bench = { workspace, bundles: await buildBundles(workspace) };
const upstream = await startUpstream(bench, { verify: 0, settle: 0 });
const inspectorPort = await freePort();
const gateway = await startGateway(bench, upstream, { inspector: inspectorPort });
const offer = await offerOf(gateway);
const everybody = agents(several);
await gateway.seed(everybody);
const request = { audience: gateway.audience, tool: 'lookup', target: TARGET };

/** Everything is signed before anything is sent. */
const made = (count: number): readonly Buffer[] =>
  Array.from({ length: count }, (_, at) => {
    const agent = everybody[at % several];
    if (agent === undefined) throw new Error('There is nobody to call.');
    return getRequest(gateway.port, TARGET, {
      'PAYMENT-SIGNATURE': boundPayment(agent, offer, request),
    });
  });

const warmUp = deal(made(requests), several, connections);
mustAllBe(await run(gateway.port, warmUp, gateway), 200, 'warm-up');
const lanes = deal(made(requests), several, connections);
const inspector = await openInspector(inspectorPort, 'gateway');
await inspector.ask('Profiler.enable');
await inspector.ask('Profiler.setSamplingInterval', { interval: INTERVAL });
await inspector.ask('Profiler.start');
const measured = mustAllBe(await run(gateway.port, lanes, gateway), 200, 'profile');
const { profile } = (await inspector.ask('Profiler.stop')) as { readonly profile: CpuProfile };
inspector.close();
await gateway.stop();
await upstream.stop();

if (values.out !== undefined) writeFileSync(values.out, JSON.stringify(profile));
const { main, first, later } = bench.bundles.gateway;
const scripts = [...new Set([main, ...first, ...later])];
const frames = framesOf(profile, scripts, ROOT).filter(({ name }) => name !== '(idle)');
const all = frames.reduce((sum, { microseconds }) => sum + microseconds, 0);
console.log(
  `${requests} bound calls of ${several} agents, ${connections} at once: ${measured.cpuPerRequest.toFixed(0)} µs CPU a call of the whole process under the profiler\n`,
);
console.log('  self      µs a call  function');
for (const { name, place, microseconds } of frames.slice(0, top)) {
  const share = `${((microseconds * 100) / all).toFixed(1)} %`;
  console.log(
    `${share.padStart(6)}  ${(microseconds / requests).toFixed(1).padStart(12)}  ${name}  ${place}`,
  );
}
process.exit(0);
