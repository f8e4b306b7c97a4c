import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildBundles } from './bench/bundles.ts';
import { getRequest } from './bench/connection.ts';
import { type CpuProfile, framesOf, openInspector } from './bench/cpu-profile.ts';
import { deal, mustAllBe, run } from './bench/load.ts';
import { agents, boundPayment } from './bench/signing.ts';
import { startGateway } from './bench/gateway-subject.ts';
import { newWorkspace, offerOf, startUpstream, TARGET } from './bench/subject.ts';
import { ROOT } from './root.ts';
import { flagsOrExit, wholeNumber } from './command-line.ts';
import { freePort } from './stack/loopback.ts';

/** `npm run profile`: profiles paid calls in the deployed bundle under raw workerd. `--out` writes the profile for Chrome DevTools. */
const USAGE =
  'npm run profile -- [--requests N] [--connections N] [--agents N] [--top N] [--out FILE]';

const readFlags = () => {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '2000' },
      connections: { type: 'string', default: '16' },
      agents: { type: 'string', default: '100' },
      top: { type: 'string', default: '20' },
      out: { type: 'string' },
    },
  });
  return {
    requests: wholeNumber('requests', values.requests),
    connections: wholeNumber('connections', values.connections),
    agentCount: wholeNumber('agents', values.agents),
    top: wholeNumber('top', values.top),
    out: values.out,
  };
};

const { requests, connections, agentCount, top, out } = flagsOrExit(USAGE, readFlags);
/** Microseconds between samples. */
const INTERVAL = 200;

const workspace = newWorkspace();
const bench = { workspace, bundles: await buildBundles(workspace) };
const upstream = await startUpstream(bench, { verify: 0, settle: 0 });
const inspectorPort = await freePort();
const gateway = await startGateway(bench, upstream, { inspector: inspectorPort });
const offer = await offerOf(gateway);
const signers = agents(agentCount);
await gateway.seed(signers);
const request = { audience: gateway.audience, tool: 'lookup', target: TARGET };

/** Signs requests before the measurement. */
const signedRequests = (count: number): readonly Buffer[] =>
  Array.from({ length: count }, (_, at) => {
    const agent = signers[at % agentCount];
    if (agent === undefined) throw new Error('There is no agent.');
    return getRequest(gateway.port, TARGET, {
      'PAYMENT-SIGNATURE': boundPayment(agent, offer, request),
    });
  });

const warmUp = deal(signedRequests(requests), agentCount, connections);
mustAllBe(await run(gateway.port, warmUp, gateway), 200, 'warm-up');
const lanes = deal(signedRequests(requests), agentCount, connections);
const inspector = await openInspector(inspectorPort, 'gateway');
await inspector.call('Profiler.enable');
await inspector.call('Profiler.setSamplingInterval', { interval: INTERVAL });
await inspector.call('Profiler.start');
const measured = mustAllBe(await run(gateway.port, lanes, gateway), 200, 'profile');
const { profile } = (await inspector.call('Profiler.stop')) as { readonly profile: CpuProfile };
inspector.close();
await gateway.stop();
await upstream.stop();

if (out !== undefined) writeFileSync(out, JSON.stringify(profile));
const { main, first, later } = bench.bundles.gateway;
const scripts = [...new Set([main, ...first, ...later])];
const frames = framesOf(profile, scripts, ROOT).filter(({ name }) => name !== '(idle)');
const all = frames.reduce((sum, { microseconds }) => sum + microseconds, 0);
console.log(
  `${requests} bound calls by ${agentCount} agents over ${connections} connections: ${measured.cpuPerRequest.toFixed(0)} µs of CPU per call, for the whole process under the profiler.\n`,
);
console.log('  self    µs per call  function');
for (const { name, place, microseconds } of frames.slice(0, top)) {
  const share = `${((microseconds * 100) / all).toFixed(1)} %`;
  console.log(
    `${share.padStart(6)}  ${(microseconds / requests).toFixed(1).padStart(12)}  ${name}  ${place}`,
  );
}
process.exit(0);
