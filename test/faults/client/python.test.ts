import { pythonSuite } from '../../helpers/python-suite.ts';

pythonSuite('faults');
