lock: 
