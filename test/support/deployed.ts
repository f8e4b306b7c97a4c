import { openApp } from '../../src/worker/app.ts';
import { openDeployment } from '../../src/worker/deployment.ts';
import { openGateways } from '../../src/worker/open-gateways.ts';
import { openRoutes } from '../../src/worker/routes.ts';
import tools from '../../tools.json';

/** The deployment of this repository: its `tools.json`. */
export const deployment = openDeployment(tools);

export const { configOf } = deployment;

export const app = openApp(deployment);

/** The routes of the gateway itself. */
export const { routes } = openRoutes(deployment, openGateways(deployment));
