import { fileURLToPath } from 'node:url'
import { migrations as complianceMigrations } from '@fusion-prime/compliance'
import { heapFlags, migrations as relayerMigrations } from '@fusion-prime/event-relayer'
import type { MigrationFolder } from '@fusion-prime/postgres'
import { migrations as oracleMigrations } from '@fusion-prime/price-oracle/config'
import { migrations as riskMigrations } from '@fusion-prime/risk-engine'
import { migrations as settlementMigrations } from '@fusion-prime/settlement'

export type ServiceName = 'settlement' | 'risk-engine' | 'compliance'
export type FunctionName = 'price-oracle'
export type DeployableName = ServiceName | FunctionName | 'event-relayer'
export type DatabaseName = 'relayer_db' | 'settlement_db' | 'risk_db' | 'compliance_db' | 'oracle_db'

export type Deployable = {
  database: DatabaseName
  main: string
  /** Options of node itself. */
  flags: readonly string[]
  arguments: string[]
  migrations: readonly MigrationFolder[]
}

const at = (path: string): string => fileURLToPath(new URL(`../../../${path}/src/main.ts`, import.meta.url))

/** What runs in production, and here by the very same main.ts. */
export const deployables: Readonly<Record<DeployableName, Deployable>> = {
  settlement: {
    database: 'settlement_db',
    main: at('run-services/settlement'),
    flags: [],
    arguments: [],
    migrations: settlementMigrations
  },
  'risk-engine': {
    database: 'risk_db',
    main: at('run-services/risk-engine'),
    flags: [],
    arguments: [],
    migrations: riskMigrations
  },
  compliance: {
    database: 'compliance_db',
    main: at('run-services/compliance'),
    flags: [],
    arguments: [],
    migrations: complianceMigrations
  },
  'event-relayer': {
    database: 'relayer_db',
    main: at('jobs/event-relayer'),
    flags: heapFlags,
    arguments: ['--mode=loop'],
    migrations: relayerMigrations
  },
  'price-oracle': {
    database: 'oracle_db',
    main: at('functions/price-oracle'),
    flags: [],
    arguments: ['--mode=loop'],
    migrations: oracleMigrations
  }
}

export const serviceNames: readonly ServiceName[] = ['settlement', 'risk-engine', 'compliance']
export const functionNames: readonly FunctionName[] = ['price-oracle']
// The keys of the record above.
export const deployableNames = Object.keys(deployables) as DeployableName[]
