"""python -m hub_agent"""

from hub_agent.cli import main

if __name__ == "__main__":
    main()
