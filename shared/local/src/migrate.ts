import { createSql, migrate } from '@fusion-prime/postgres'
import { describeError, EXIT, PermanentError } from '@fusion-prime/runtime'
import { type DeployableName, deployableNames, deployables } from './deployables.ts'

const USAGE = `usage: npm run migrate -- ${deployableNames.join('|')}

Brings the database at DATABASE_URL to the deployable's newest schema. Forward only; safe to run twice and at once.
Exit code: 0 done, 1 it can't be done, 75 try again (the database is away or busy).`

async function main(name: string | undefined): Promise<number> {
  if (name === '--help' || name === '-h') {
    process.stdout.write(`${USAGE}\n`)
    return EXIT.done
  }
  const url = process.env.DATABASE_URL
  if (!isDeployable(name) || !url) {
    console.error(isDeployable(name) ? 'DATABASE_URL is missing: a postgres:// URL' : USAGE)
    return EXIT.giveUp
  }
  try {
    const applied = await migrateAt(url, name)
    process.stdout.write(applied.length > 0 ? `applied ${applied.join(', ')}\n` : 'nothing to apply\n')
    return EXIT.done
  } catch (error) {
    console.error(`migration of ${name} failed: ${describeError(error)}`)
    return error instanceof PermanentError ? EXIT.giveUp : EXIT.tryAgain
  }
}

async function migrateAt(url: string, name: DeployableName): Promise<string[]> {
  const sql = createSql({ url, max: 2, applicationName: 'migrate' })
  try {
    const { applied } = await migrate(sql, { folders: deployables[name].migrations })
    return applied
  } finally {
    await sql.end()
  }
}

const isDeployable = (name: string | undefined): name is DeployableName => deployableNames.some(known => known === name)

process.exitCode = await main(process.argv[2])
