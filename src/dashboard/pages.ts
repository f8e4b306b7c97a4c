import type { ComponentType } from 'preact';
import type { Role } from './data/role.ts';
import type { PageProps } from './data/scope.ts';

export type PageEntry = {
  /** Its address below `/dashboard`. `:name` is a parameter. */
  readonly path: string;
  /** Its name in the navigation. A page without one is reached from another page. */
  readonly name?: string;
  readonly roles: readonly Role[];
  /** Loads its code when it is opened, so that the first load stays small. */
  readonly load: () => Promise<ComponentType<PageProps>>;
};

const EVERYBODY: readonly Role[] = ['operator', 'owner'];
const OPERATORS: readonly Role[] = ['operator'];
const OWNERS: readonly Role[] = ['owner'];

/** Every page, in the order of the navigation. */
export const PAGES: readonly PageEntry[] = [
  {
    path: '/',
    name: 'Overview',
    roles: EVERYBODY,
    load: async () => (await import('./pages/overview.tsx')).Overview,
  },
  {
    path: '/agents',
    name: 'Agents',
    roles: EVERYBODY,
    load: async () => (await import('./pages/agents.tsx')).Agents,
  },
  {
    path: '/agents/new',
    roles: OWNERS,
    load: async () => (await import('./pages/new-agent.tsx')).NewAgent,
  },
  {
    path: '/agents/:account',
    roles: EVERYBODY,
    load: async () => (await import('./pages/agent.tsx')).Agent,
  },
  {
    path: '/tools',
    name: 'Tools',
    roles: OPERATORS,
    load: async () => (await import('./pages/tools.tsx')).Tools,
  },
  {
    path: '/tools/new',
    roles: OPERATORS,
    load: async () => (await import('./pages/new-tool.tsx')).NewTool,
  },
  {
    path: '/tools/import',
    roles: OPERATORS,
    load: async () => (await import('./pages/import-tools.tsx')).ImportTools,
  },
  {
    path: '/tools/id/:tool',
    roles: OPERATORS,
    load: async () => (await import('./pages/tool.tsx')).Tool,
  },
  {
    path: '/calls',
    name: 'Calls',
    roles: EVERYBODY,
    load: async () => (await import('./pages/calls.tsx')).Calls,
  },
  {
    path: '/calls/:account/:call',
    roles: EVERYBODY,
    load: async () => (await import('./pages/call.tsx')).Call,
  },
  {
    path: '/spending',
    name: 'Spending',
    roles: EVERYBODY,
    load: async () => (await import('./pages/spending.tsx')).Spending,
  },
  {
    path: '/denials',
    name: 'Denials',
    roles: EVERYBODY,
    load: async () => (await import('./pages/denials.tsx')).Denials,
  },
  {
    path: '/settlements',
    name: 'Settlements',
    roles: OPERATORS,
    load: async () => (await import('./pages/settlements.tsx')).Settlements,
  },
  {
    path: '/audit',
    name: 'Audit',
    roles: EVERYBODY,
    load: async () => (await import('./pages/audit.tsx')).Audit,
  },
  {
    path: '/approvals',
    name: 'Approvals',
    roles: EVERYBODY,
    load: async () => (await import('./pages/approvals.tsx')).Approvals,
  },
  {
    path: '/secrets',
    name: 'Secrets',
    roles: OPERATORS,
    load: async () => (await import('./pages/secrets.tsx')).Secrets,
  },
  {
    path: '/signer',
    name: 'Signer',
    roles: EVERYBODY,
    load: async () => (await import('./pages/signer.tsx')).Signer,
  },
  {
    path: '/settings',
    name: 'Settings',
    roles: EVERYBODY,
    load: async () => (await import('./pages/settings.tsx')).Settings,
  },
];
